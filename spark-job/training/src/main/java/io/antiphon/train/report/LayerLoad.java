package io.antiphon.train.report;

import java.io.Serializable;
import java.util.stream.LongStream;

/**
 * The routing load of one MoE layer in one step, summed over the micro-batches of the global batch.
 *
 * <p>The arrays pass into the ownership of the record: their maker must not write to them again,
 * and a reader must not write to them at all. The three arrays add up to the same number of
 * assignments, because cloning moves work and never drops it.
 *
 * @param layer transformer layer, 0-based
 * @param expertCounts {@code [experts]}, assignments per home expert over the global batch
 * @param rankLoadBefore {@code [ranks]} of the world, assignments each rank would compute if every
 *     expert stayed at home
 * @param rankLoadAfter {@code [ranks]} of the world, assignments each rank computed after planning
 * @param imbalanceBefore max/mean of the rank load before planning, averaged over micro-batches and
 *     expert-parallel groups; 1 is perfect balance
 * @param imbalanceAfter the same after planning
 * @param clones echo slots in use, summed over micro-batches and expert-parallel groups
 * @param clonesSent those whose weights were sent in forward: all, unless clones are reused
 * @param weightBytesSaved weights of clones that were not sent, in forward and backward, because
 *     slots held them already
 */
@SuppressWarnings("ArrayRecordComponent") // a step record is written once and read once
public record LayerLoad(
    int layer,
    long[] expertCounts,
    long[] rankLoadBefore,
    long[] rankLoadAfter,
    double imbalanceBefore,
    double imbalanceAfter,
    int clones,
    int clonesSent,
    long weightBytesSaved)
    implements Serializable {

  /** Rounding allowance of a ratio that is at least 1 by definition. */
  private static final double RATIO_ROUNDING = 1e-6;

  public LayerLoad {
    if (layer < 0 || clones < 0) {
      throw new IllegalArgumentException(
          "layer and clones must be >= 0, were " + layer + " and " + clones);
    }
    if (clonesSent < 0 || clonesSent > clones || weightBytesSaved < 0) {
      throw new IllegalArgumentException(
          String.format(
              "layer %d has %d clones, sent %d and saved %d bytes",
              layer, clones, clonesSent, weightBytesSaved));
    }
    if (expertCounts.length == 0 || rankLoadBefore.length == 0) {
      throw new IllegalArgumentException("layer " + layer + " has no experts or no ranks");
    }
    if (rankLoadBefore.length != rankLoadAfter.length) {
      throw new IllegalArgumentException(
          String.format(
              "layer %d has loads of %d ranks before planning and of %d after",
              layer, rankLoadBefore.length, rankLoadAfter.length));
    }
    long assignments = total("expertCounts", expertCounts);
    long before = total("rankLoadBefore", rankLoadBefore);
    long after = total("rankLoadAfter", rankLoadAfter);
    if (before != assignments || after != assignments) {
      throw new IllegalArgumentException(
          String.format(
              "layer %d counts %d assignments over experts, %d over ranks before planning, %d"
                  + " after",
              layer, assignments, before, after));
    }
    requireRatio("imbalanceBefore", imbalanceBefore);
    requireRatio("imbalanceAfter", imbalanceAfter);
  }

  /** Least and most assignments of an expert, and their standard deviation over the experts. */
  public CountSpread expertSpread() {
    return CountSpread.of(expertCounts);
  }

  /** The spread in multiples of the mean over the experts. */
  public CountSpread relativeExpertSpread() {
    return CountSpread.relative(expertCounts);
  }

  private static long total(String name, long[] counts) {
    for (long count : counts) {
      if (count < 0) {
        throw new IllegalArgumentException(name + " must be >= 0, has " + count);
      }
    }
    return LongStream.of(counts).sum();
  }

  private static void requireRatio(String name, double ratio) {
    if (!(ratio >= 1 - RATIO_ROUNDING) || Double.isInfinite(ratio)) {
      throw new IllegalArgumentException(name + " is max/mean, hence >= 1, was " + ratio);
    }
  }
}
