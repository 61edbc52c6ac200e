package io.antiphon.submit;

import io.antiphon.conf.Backend;
import io.antiphon.conf.Settings;
import io.antiphon.conf.SettingsReader;
import io.antiphon.conf.SparkDefaults;
import io.antiphon.device.DeviceException;
import io.antiphon.device.OutOfDeviceMemory;
import io.antiphon.job.GpuDiscovery;
import io.antiphon.kernel.DeviceTrial;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What training on a GPU needs, tried out where there is one. */
final class GpuChecks {
  private static final double GIB = 1L << 30;
  private static final String GPU = "GPU";
  private static final String KERNELS = "GPU kernels";
  private static final String CUBLAS = "cuBLASLt";
  private static final String QUEUES = "GPU queues";
  private static final String DISCOVERY = "GPU discovery";

  /** Compute, transfer and service. */
  private static final int STREAMS_OF_A_RANK = 3;

  /** Where what is wrong ends and what to do begins, in messages about devices. */
  private static final Pattern REMEDY =
      Pattern.compile(
          "\\. (?=(?:Install|Use another|Lower) )(?!.*\\. (?:Install|Use another|Lower) )");

  private static final List<String> SCRIPT_KEYS =
      List.of(
          "spark.executor.resource.gpu.discoveryScript",
          "spark.worker.resource.gpu.discoveryScript");

  /** Asks a library for its version, or fails with a message. */
  interface Version {
    /** Throws {@link DeviceException} if the library is not there. */
    String ask();
  }

  /** Runs a discovery script of Spark. */
  interface Discovery {
    /** Runs {@code script}, or if it is empty the one that Antiphon brings. */
    GpuDiscovery run(Optional<Path> script) throws IOException, InterruptedException;
  }

  /**
   * Where answers come from.
   *
   * @param environment of this process
   * @param gpus the devices
   * @param nccl NVIDIA's collectives
   * @param discovery what Spark would find
   */
  record Sources(
      Map<String, String> environment, GpuProbe gpus, Version nccl, Discovery discovery) {}

  /**
   * What was found.
   *
   * @param findings in the order to show them
   * @param works whether training on a GPU does here; empty if nobody asked
   * @param memory of the GPU with the least free of those the run uses; empty if there is none
   */
  record Result(List<Finding> findings, Optional<Boolean> works, Optional<GpuMemory> memory) {}

  /** Memory of one GPU, in bytes. */
  record GpuMemory(String device, long free, long total) {}

  private final Optional<Settings> settings;
  private final Sources sources;
  private final List<Finding> findings = new ArrayList<>();
  private GpuDemand demand;
  private boolean works = true;
  private Optional<GpuMemory> memory = Optional.empty();

  GpuChecks(Optional<Settings> settings, Sources sources) {
    this.settings = settings;
    this.sources = sources;
    demand = GpuDemand.of(settings);
  }

  Result run() {
    if (demand == GpuDemand.NONE) {
      String kind = word(settings.orElseThrow().backend().kind());
      findings.add(Finding.skip(GPU, "not needed for backend.kind = " + kind));
      return new Result(List.copyOf(findings), Optional.empty(), memory);
    }
    Optional<String> unavailable = sources.gpus().unavailable();
    if (unavailable.isPresent()) {
      none(unavailable.orElseThrow());
    } else {
      devices();
      nccl();
      choose();
    }
    if (memory.isPresent() || demand != GpuDemand.WELCOME) {
      queues();
    }
    if (memory.isPresent() || demand == GpuDemand.ELSEWHERE || onOwnCluster()) {
      discovery();
    }
    return new Result(List.copyOf(findings), Optional.of(works), memory);
  }

  private void none(String reason) {
    works = false;
    switch (demand) {
      case REQUIRED ->
          findings.add(
              Finding.fail(
                  GPU,
                  "none, and backend.kind is cuda: " + split(reason)[0],
                  orElse(split(reason)[1], "make a GPU visible to this process")
                      + "; or set backend.kind to cpu or auto"));
      case ELSEWHERE ->
          findings.add(
              Finding.warn(
                  GPU,
                  "none here: " + firstSentence(reason),
                  "executors need them: run doctor with these settings and --set spark.master=null"
                      + " on one of their machines"));
      default ->
          findings.add(
              Finding.skip(
                  GPU, "none; backend.kind = auto computes on the CPU: " + firstSentence(reason)));
    }
    findings.addAll(new GpuLibraries(sources.environment()).all());
  }

  private void devices() {
    int visible = sources.gpus().count();
    findings.add(
        Finding.ok(
            "NVIDIA driver",
            "for CUDA "
                + sources.gpus().driverVersion()
                + "; this process sees "
                + (visible == 1 ? "1 GPU" : visible + " GPUs")
                + named("CUDA_VISIBLE_DEVICES")));
    int used = settings.map(run -> GpuSharing.of(run, visible).devices()).orElse(visible);
    if (used > visible) {
      works = false;
      findings.add(
          demand.problem(
              GPU,
              "the ranks need " + used + " GPUs, and there are " + visible,
              "raise backend.ranks-per-gpu or lower parallelism.ranks"));
    }
    for (int ordinal = 0; ordinal < Math.max(1, Math.min(used, visible)); ordinal++) {
      device(ordinal);
    }
  }

  /** What {@code auto} does with what was found. */
  private void choose() {
    if (demand != GpuDemand.WELCOME) {
      return;
    }
    if (works) {
      demand = GpuDemand.REQUIRED;
    } else {
      memory = Optional.empty();
      findings.add(Finding.skip(GPU, "not used: backend.kind = auto computes on the CPU"));
    }
  }

  private String named(String variable) {
    String value = sources.environment().get(variable);
    return value == null ? "" : " (" + variable + " is " + value + ")";
  }

  /** Each trial stands for itself: a missing library says nothing about the others. */
  private void device(int ordinal) {
    try (GpuProbe.Gpu gpu = sources.gpus().open(ordinal)) {
      long free = gpu.freeBytes();
      findings.add(
          Finding.ok(
              GPU, String.format(Locale.ROOT, "%s, %.1f GiB free", gpu.description(), free / GIB)));
      if (memory.isEmpty() || memory.orElseThrow().free() > free) {
        memory = Optional.of(new GpuMemory(gpu.description(), free, gpu.totalBytes()));
      }
      attempt(KERNELS, () -> Finding.ok(KERNELS, describe(gpu.kernel(cache()))));
      attempt(
          CUBLAS,
          () -> {
            gpu.product();
            return Finding.ok(CUBLAS, "multiplies matrices");
          });
    } catch (DeviceException | OutOfDeviceMemory e) {
      broken(GPU, e);
    }
  }

  private interface Trial {
    Finding run();
  }

  private void attempt(String name, Trial trial) {
    try {
      findings.add(trial.run());
    } catch (DeviceException | OutOfDeviceMemory e) {
      broken(name, e);
    }
  }

  private void broken(String name, RuntimeException failure) {
    String message = String.valueOf(failure.getMessage());
    works = false;
    findings.add(
        demand.problem(
            name,
            split(message)[0],
            orElse(split(message)[1], "see nvidia-smi and the system's log; restart the driver")));
  }

  private Path cache() {
    return settings
        .orElseGet(() -> SettingsReader.preset("quickstart", List.of()))
        .backend()
        .kernelFolder();
  }

  private String describe(DeviceTrial.KernelRun run) {
    return String.format(
        Locale.ROOT,
        "%s %s with NVRTC %s and loaded in %d ms, right in %.3f ms; cache %s",
        run.file(),
        run.fromCache() ? "found in the cache" : "compiled",
        run.compiler(),
        run.loading().toMillis(),
        run.running().toNanos() / 1e6,
        cache());
  }

  private void nccl() {
    try {
      findings.add(
          Finding.ok("NCCL", "version " + sources.nccl().ask() + "; training does not use it yet"));
    } catch (DeviceException e) {
      findings.add(
          Finding.skip(
              "NCCL", "not needed by training: " + firstSentence(String.valueOf(e.getMessage()))));
    }
  }

  /** Streams of ranks that share a GPU in one process must not share a hardware queue. */
  private void queues() {
    if (settings.isEmpty()) {
      return;
    }
    Settings run = settings.orElseThrow();
    int sharing = GpuSharing.of(run, memory.isEmpty() ? 1 : sources.gpus().count()).inProcess();
    if (sharing == 1) {
      findings.add(Finding.ok(QUEUES, "no two ranks of a process share a GPU"));
      return;
    }
    boolean executors = run.spark().cluster() > 0 || GpuDemand.isRemote(run);
    String key = "spark.executorEnv." + SparkDefaults.QUEUES_VARIABLE;
    Optional<String> value =
        Optional.ofNullable(
            executors
                ? SparkDefaults.of(run).get(key)
                : sources.environment().get(SparkDefaults.QUEUES_VARIABLE));
    String shared =
        sharing + " ranks of a process share a GPU; " + SparkDefaults.QUEUES_VARIABLE + " is ";
    if (!value.equals(Optional.of(SparkDefaults.QUEUES))) {
      findings.add(
          demand.problem(
              QUEUES,
              shared + value.orElse("not set") + " and must be " + SparkDefaults.QUEUES,
              executors
                  ? "remove " + key + " from spark.properties, or set it to " + SparkDefaults.QUEUES
                  : "export "
                      + SparkDefaults.QUEUES_VARIABLE
                      + "="
                      + SparkDefaults.QUEUES
                      + " before the process starts; submit/antiphon does so unless it is set"));
    } else if (sharing * STREAMS_OF_A_RANK > Integer.parseInt(SparkDefaults.QUEUES)) {
      findings.add(
          Finding.warn(
              QUEUES,
              shared
                  + value.orElseThrow()
                  + ", the most there are, and they make "
                  + sharing * STREAMS_OF_A_RANK
                  + " streams: a rank may wait behind another",
              "let at most "
                  + Integer.parseInt(SparkDefaults.QUEUES) / STREAMS_OF_A_RANK
                  + " ranks share a GPU (backend.ranks-per-gpu, parallelism.ranks)"));
    } else {
      findings.add(Finding.ok(QUEUES, shared + value.orElseThrow()));
    }
  }

  private boolean onOwnCluster() {
    return settings.map(run -> run.spark().cluster() > 0).orElse(false);
  }

  private void discovery() {
    Optional<Path> script =
        settings.flatMap(
            run ->
                SCRIPT_KEYS.stream()
                    .filter(run.spark().properties()::containsKey)
                    .findFirst()
                    .map(key -> Path.of(run.spark().properties().get(key))));
    String name = script.map(Path::toString).orElse(GpuDiscovery.SCRIPT);
    GpuDiscovery found;
    try {
      found = sources.discovery().run(script);
    } catch (IOException e) {
      found = GpuDiscovery.without(String.valueOf(e.getMessage()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return;
    }
    if (found.problem().isEmpty()) {
      findings.add(Finding.ok(DISCOVERY, name + " prints " + found.printed()));
      return;
    }
    String what =
        name
            + " finds no GPU for Spark to give out: "
            + String.join("; ", found.problem().lines().toList());
    findings.add(
        onOwnCluster()
            ? demand.problem(
                DISCOVERY, what, "executors of spark.cluster get none: mend the script")
            : Finding.warn(
                DISCOVERY,
                what,
                "needed on the machines of a Spark cluster only; see docs/operations.md"));
  }

  private static String word(Backend.Kind kind) {
    return kind.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private static String firstSentence(String message) {
    return message.split("\\. ", 2)[0];
  }

  /** What is wrong, and what to do. */
  private static String[] split(String message) {
    Matcher matcher = REMEDY.matcher(message);
    return matcher.find()
        ? new String[] {
          message.substring(0, matcher.start()), firstLower(message.substring(matcher.end()))
        }
        : new String[] {message, ""};
  }

  private static String firstLower(String sentence) {
    return sentence.substring(0, 1).toLowerCase(Locale.ROOT) + sentence.substring(1);
  }

  private static String orElse(String text, String other) {
    return text.isEmpty() ? other : text;
  }
}
