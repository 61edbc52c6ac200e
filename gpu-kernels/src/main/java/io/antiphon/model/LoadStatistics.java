package io.antiphon.model;

/**
 * Loads of the mixture-of-experts layers, summed over micro-batches, of each expert-parallel group.
 */
public final class LoadStatistics {
  private final double[] values;
  private final int first;
  private final ModelOptions model;
  private final int expertRanks;
  private final long reusedBytes;

  /**
   * @param values {@code [expertGroups, moeLayers, length]} from place {@code first} on, as {@link
   *     io.antiphon.tensor.Ops#recordLoads} wrote them; ownership passes
   * @param expertRanks ranks of an expert-parallel group
   * @param reusedBytes as {@link SlotPool#reusedBytes}
   */
  LoadStatistics(
      double[] values, int first, ModelOptions model, int expertRanks, long reusedBytes) {
    this.values = values;
    this.first = first;
    this.model = model;
    this.expertRanks = expertRanks;
    this.reusedBytes = reusedBytes;
  }

  /** Numbers that {@link io.antiphon.tensor.Ops#recordLoads} keeps per layer. */
  static int length(ModelOptions model, int expertRanks) {
    return model.moe().experts() + 2 * expertRanks + 4;
  }

  /** Loads of {@code moeLayer}, counted without dense layers, in {@code expertGroup}. */
  public StepRecord.Loads loads(int expertGroup, int moeLayer) {
    int length = length(model, expertRanks);
    int at = first + (expertGroup * model.moeLayers() + moeLayer) * length;
    int experts = model.moe().experts();
    int tail = at + experts + 2 * expertRanks;
    long clones = (long) values[tail + 2];
    long sent = (long) values[tail + 3];
    long without = clones * SlotPool.fillsPerMicroBatch(model, moeLayer);
    return new StepRecord.Loads(
        longs(at, experts),
        longs(at + experts, expertRanks),
        longs(at + experts + expertRanks, expertRanks),
        values[tail],
        values[tail + 1],
        clones,
        sent,
        reusedBytes * (without - sent));
  }

  /** These loads and {@code more} of the same model and groups. */
  public LoadStatistics plus(LoadStatistics more) {
    double[] sum = new double[values.length - first];
    for (int i = 0; i < sum.length; i++) {
      sum[i] = values[first + i] + more.values[more.first + i];
    }
    return new LoadStatistics(sum, 0, model, expertRanks, reusedBytes);
  }

  private long[] longs(int from, int length) {
    long[] part = new long[length];
    for (int i = 0; i < length; i++) {
      part[i] = (long) values[from + i];
    }
    return part;
  }
}
