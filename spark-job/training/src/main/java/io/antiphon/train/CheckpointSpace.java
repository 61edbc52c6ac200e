package io.antiphon.train;

import io.antiphon.conf.Backend;
import io.antiphon.conf.Checkpoint;
import io.antiphon.conf.Settings;
import io.antiphon.model.ModelState;
import io.antiphon.model.Parameter;
import io.antiphon.tensor.AdamTensors;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.PlanBackend;
import io.antiphon.tensor.Tensor;
import io.antiphon.train.checkpoint.CheckpointException;
import io.antiphon.train.checkpoint.Checkpoints;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What the checkpoints of a run take, beside what is free where they go.
 *
 * @param place where they go
 * @param oneBytes bytes of one: weights of full precision and both moments of every parameter
 * @param coming checkpoints that come on top of those that are there, until old ones are deleted
 * @param keep checkpoints that stay
 * @param freeBytes empty where the storage does not tell
 */
public record CheckpointSpace(
    String place, long oneBytes, long coming, int keep, OptionalLong freeBytes) {
  private static final long MIB = 1L << 20;
  private static final long GIB = 1L << 30;

  /** What a shard's header and the manifest say of one tensor, at most. */
  private static final long TENSOR_TEXT_BYTES = 512;

  /**
   * Space for the run of {@code settings}.
   *
   * @param trained steps that the run goes on from
   */
  public static CheckpointSpace of(
      Settings settings, ModelSetup setup, Checkpoints checkpoints, long trained) {
    Checkpoint wanted = settings.checkpoint();
    long most = wanted.keep() + 1L - checkpoints.count();
    long left = settings.schedule().steps() - trained;
    long written = wanted.enabled() ? -Math.floorDiv(-left, wanted.everySteps()) : 0;
    return new CheckpointSpace(
        checkpoints.location(),
        bytes(settings, setup),
        Math.max(0, Math.min(Math.max(1, most), written)),
        wanted.keep(),
        checkpoints.freeBytes());
  }

  private static long bytes(Settings settings, ModelSetup setup) {
    boolean check = settings.backend().kind() == Backend.Kind.CPU_F64;
    DType master = check ? DType.F64 : DType.F32;
    int expertRanks = settings.parallelism().expertParallel();
    long bytes = 0;
    try (ModelState state =
        ModelState.blank(new PlanBackend(master, master), setup.model(), 0, expertRanks)) {
      for (Parameter parameter : state.registry().parameters()) {
        boolean experts = parameter.sharding() == Parameter.Sharding.EXPERT;
        long tensors = experts ? 3 * parameter.shape().extent(0) : 3;
        long ofOneRank = bytes(parameter.tensors()) + tensors * TENSOR_TEXT_BYTES;
        bytes += experts ? Math.multiplyExact(expertRanks, ofOneRank) : ofOneRank;
      }
      for (Tensor bias : state.expertBiases()) {
        bytes += bytes(bias) + TENSOR_TEXT_BYTES;
      }
      bytes += bytes(state.counters()) + TENSOR_TEXT_BYTES;
    }
    return bytes;
  }

  private static long bytes(AdamTensors all) {
    return List.of(all.master(), all.firstMoment(), all.secondMoment()).stream()
        .mapToLong(CheckpointSpace::bytes)
        .sum();
  }

  private static long bytes(Tensor tensor) {
    return Math.multiplyExact(tensor.shape().elements(), tensor.dtype().bytes());
  }

  /** Whether the next checkpoint fits. */
  public boolean nextFits() {
    return coming == 0 || fits(1);
  }

  /** Whether as many fit as are there at once. */
  public boolean allFit() {
    return fits(coming);
  }

  private boolean fits(long count) {
    return freeBytes.isEmpty() || count <= freeBytes.getAsLong() / oneBytes;
  }

  /** Sizes for people, in one line. */
  public String inWords() {
    return "one takes "
        + size(oneBytes)
        + ", up to "
        + coming
        + " more will be there at once; "
        + (freeBytes.isPresent()
            ? size(freeBytes.getAsLong()) + " are"
            : "it is not known how much is")
        + " free in "
        + place;
  }

  private static String size(long bytes) {
    return bytes < GIB
        ? String.format(Locale.ROOT, "%.1f MiB", (double) bytes / MIB)
        : String.format(Locale.ROOT, "%.1f GiB", (double) bytes / GIB);
  }

  /** What to change if they do not fit. */
  public String remedy() {
    return "make room, set checkpoint.dir to a larger disk, lower checkpoint.keep (now "
        + keep
        + "), or train without checkpoints: checkpoint.enabled = false";
  }

  /**
   * Refuses a run whose next checkpoint could not be written.
   *
   * @return a warning if it could be, and later ones could not
   * @throws CheckpointException if the next does not fit
   */
  public Optional<String> require() {
    if (!nextFits()) {
      throw new CheckpointException(
          "checkpoint.dir: the next checkpoint does not fit: " + inWords() + "; " + remedy());
    }
    return allFit()
        ? Optional.empty()
        : Optional.of(
            "checkpoint.dir: later checkpoints will not fit: " + inWords() + "; " + remedy());
  }
}
