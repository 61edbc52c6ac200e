package io.antiphon.submit;

import io.antiphon.conf.Backend;
import io.antiphon.conf.ConfigException;
import io.antiphon.conf.Settings;
import io.antiphon.data.DataException;
import io.antiphon.data.tokenizer.Vocabulary;
import io.antiphon.device.Device;
import io.antiphon.run.HostProvider;
import io.antiphon.train.CheckpointSpace;
import io.antiphon.train.MemoryPlan;
import io.antiphon.train.ModelSetup;
import io.antiphon.train.checkpoint.CheckpointException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Whether a run fits: the plan that it would print at its start and its checkpoints, beside what
 * there is.
 */
final class MemoryChecks {
  private static final double GIB = 1L << 30;
  private static final String PLAN = "memory plan";
  private static final String GPU_MEMORY = "GPU memory";
  private static final String CHECKPOINTS = "checkpoints";

  private final Settings settings;
  private final long physicalBytes;

  /**
   * Checks of one run.
   *
   * @param physicalBytes memory of this machine; 0 if it is not known
   */
  MemoryChecks(Settings settings, long physicalBytes) {
    this.settings = settings;
    this.physicalBytes = physicalBytes;
  }

  /**
   * Plans and compares.
   *
   * @param gpu that has least free of those the run would use; empty if it would use none here
   * @param visible GPUs that this process sees
   */
  List<Finding> all(Optional<GpuChecks.GpuMemory> gpu, int visible) {
    List<Finding> findings = new ArrayList<>();
    ModelSetup setup;
    try {
      Vocabulary vocabulary =
          Vocabulary.of(
              settings.data().tokenizer(),
              settings.data().endOfText(),
              HostProvider.here().files());
      setup = ModelSetup.of(settings, vocabulary.size(), vocabulary.endOfText());
    } catch (DataException e) {
      findings.add(
          Finding.fail(
              PLAN,
              "unknown without the tokenizer: " + e.getMessage(),
              "give data.tokenizer the path of a tokenizer.json, or \"bytes\""));
      return findings;
    }
    boolean cuda = settings.backend().kind() == Backend.Kind.CUDA;
    if (cuda || gpu.isPresent()) {
      MemoryPlan plan = MemoryPlan.onGpu(settings, setup);
      findings.add(plan(plan));
      onGpu(plan, GpuSharing.of(settings, visible), gpu).ifPresent(findings::add);
    } else {
      MemoryPlan plan = MemoryPlan.onCpu(settings, setup);
      findings.add(plan(plan));
      onCpu(plan).ifPresent(findings::add);
    }
    findings.add(checkpoints(setup));
    return findings;
  }

  private Finding checkpoints(ModelSetup setup) {
    if (!settings.checkpoint().enabled()) {
      return Finding.skip(CHECKPOINTS, "none will be written: checkpoint.enabled = false");
    }
    String place = settings.checkpoint().dir().orElse("file://" + Path.of("runs").toAbsolutePath());
    CheckpointSpace space;
    try {
      space = CheckpointSpace.of(settings, setup, HostProvider.here().checkpoints().open(place), 0);
    } catch (CheckpointException | ConfigException e) {
      return Finding.fail(
          CHECKPOINTS,
          "cannot be kept: " + e.getMessage(),
          "set checkpoint.dir to a place that this machine reaches");
    }
    if (space.allFit()) {
      return Finding.ok(CHECKPOINTS, space.inWords());
    }
    return space.nextFits() || GpuDemand.isRemote(settings)
        ? Finding.warn(CHECKPOINTS, space.inWords(), space.remedy())
        : Finding.fail(CHECKPOINTS, space.inWords(), space.remedy());
  }

  private Finding plan(MemoryPlan plan) {
    int ranks = settings.parallelism().ranks();
    return Finding.ok(
        PLAN, (ranks == 1 ? "in GiB: " : "each of " + ranks + " ranks, GiB: ") + plan);
  }

  private Optional<Finding> onGpu(
      MemoryPlan plan, GpuSharing sharing, Optional<GpuChecks.GpuMemory> gpu) {
    String needed =
        String.format(
            Locale.ROOT,
            "%s %.1f GiB",
            sharing.onDevice() == 1
                ? "1 rank on a GPU needs"
                : sharing.onDevice() + " ranks on a GPU need",
            plan.bytesOnDevice(sharing.onDevice()) / GIB);
    if (gpu.isEmpty()) {
      return Optional.of(Finding.skip(GPU_MEMORY, needed));
    }
    GpuChecks.GpuMemory here = gpu.orElseThrow();
    Device.Memory memory = new Device.Memory(here.free(), here.total());
    boolean fits =
        plan.shortage(settings, here.device(), memory, sharing.onDevice(), sharing.onDevice())
            .isEmpty();
    String found =
        String.format(
            Locale.ROOT,
            "%s, %.1f of %.1f GiB are free",
            needed,
            here.free() / GIB,
            here.total() / GIB);
    if (fits) {
      return Optional.of(Finding.ok(GPU_MEMORY, found));
    }
    boolean others = plan.bytesOnDevice(sharing.onDevice()) <= here.total();
    String remedy =
        (others ? "End what else uses the GPU (see nvidia-smi). " : "") + plan.remedy(settings);
    return Optional.of(
        GpuDemand.isRemote(settings)
            ? Finding.warn(GPU_MEMORY, found, remedy)
            : Finding.fail(GPU_MEMORY, found, remedy));
  }

  private Optional<Finding> onCpu(MemoryPlan plan) {
    int ranks = settings.parallelism().ranks();
    long needed = Math.multiplyExact(ranks, plan.bytes());
    if (physicalBytes == 0 || GpuDemand.isRemote(settings) || needed <= physicalBytes) {
      return Optional.empty();
    }
    return Optional.of(
        Finding.warn(
            "memory",
            String.format(
                Locale.ROOT,
                "the ranks need %.1f GiB outside of the heap, of %.1f GiB",
                needed / GIB,
                physicalBytes / GIB),
            plan.remedy(settings)));
  }
}
