package io.antiphon.submit;

import io.antiphon.conf.Backend;
import io.antiphon.conf.Settings;
import io.antiphon.conf.SettingsReader;
import io.antiphon.device.DeviceException;
import io.antiphon.device.OutOfDeviceMemory;
import io.antiphon.kernel.DeviceTrial;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** What training on a GPU needs, tried out where there is one. */
final class GpuChecks {
  private static final double GIB = 1L << 30;
  private static final String GPU = "GPU";
  private static final String KERNELS = "GPU kernels";
  private static final String CUBLAS = "cuBLASLt";
  private static final String NCCL = "NCCL";

  /** Asks a library for its version, or fails with a message. */
  interface Version {
    /** Throws {@link DeviceException} if the library is not there. */
    String ask();
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
      Map<String, String> environment,
      GpuProbe gpus,
      Version nccl,
      DiscoveryCheck.Script discovery) {}

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
      new DiscoveryCheck(settings, sources.discovery()).finding(demand).ifPresent(findings::add);
    }
    return new Result(List.copyOf(findings), Optional.of(works), memory);
  }

  private void none(String reason) {
    works = false;
    Complaint complaint = Complaint.of(reason);
    switch (demand) {
      case REQUIRED ->
          findings.add(
              Finding.fail(
                  GPU,
                  "none, and backend.kind is cuda: " + complaint.wrong(),
                  complaint.remedyOr("make a GPU visible to this process")
                      + "; or set backend.kind to cpu or auto"));
      case ELSEWHERE ->
          findings.add(
              Finding.warn(
                  GPU,
                  "none here: " + complaint.firstSentence(),
                  "executors need them: run doctor with these settings and --set spark.master=null"
                      + " on one of their machines"));
      default ->
          findings.add(
              Finding.skip(
                  GPU,
                  "none; backend.kind = auto computes on the CPU: " + complaint.firstSentence()));
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
    Complaint complaint = complaint(failure);
    works = false;
    findings.add(
        demand.problem(
            name,
            complaint.wrong(),
            complaint.remedyOr("see nvidia-smi and the system's log; restart the driver")));
  }

  private static Complaint complaint(RuntimeException failure) {
    return Complaint.of(String.valueOf(failure.getMessage()));
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

  /** Groups of ranks on several hosts need it, and all groups of a run that asks for it. */
  private void nccl() {
    int sharing = settings.map(this::ranksOfNcclOnOneGpu).orElse(0);
    try {
      String version = "version " + sources.nccl().ask();
      if (sharing > 1) {
        works = false;
        findings.add(
            demand.problem(
                NCCL,
                version
                    + "; it takes one rank to a GPU, and with backend.interconnect = nccl "
                    + sharing
                    + " share one",
                "set backend.ranks-per-gpu = 1 or backend.interconnect = auto"));
      } else {
        findings.add(Finding.ok(NCCL, version));
      }
    } catch (DeviceException e) {
      Complaint complaint = complaint(e);
      if (sharing == 0) {
        findings.add(
            Finding.skip(
                NCCL, "needed only if ranks are on several hosts: " + complaint.firstSentence()));
      } else {
        works = false;
        findings.add(
            demand.problem(
                NCCL,
                "backend.interconnect is nccl: " + complaint.wrong(),
                complaint.remedyOr("install it") + "; or set backend.interconnect = auto"));
      }
    }
  }

  /** Most ranks that NCCL would find on a GPU; 0 if the run does not ask for it. */
  private int ranksOfNcclOnOneGpu(Settings run) {
    return run.backend().interconnect() == Backend.Interconnect.NCCL
            && run.parallelism().ranks() > 1
        ? GpuSharing.of(run, sources.gpus().count()).onDevice()
        : 0;
  }

  private void queues() {
    settings.ifPresent(
        run -> {
          int visible = memory.isEmpty() ? 1 : sources.gpus().count();
          findings.add(new GpuQueues(run, sources.environment(), visible).finding(demand));
        });
  }

  private boolean onOwnCluster() {
    return settings.map(run -> run.spark().cluster() > 0).orElse(false);
  }

  private static String word(Backend.Kind kind) {
    return kind.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
