package io.antiphon.model;

import io.antiphon.tensor.Ops;
import io.antiphon.tensor.Tensor;

/**
 * What a step leaves for the host, as one F64 vector: a few scalars, load statistics per
 * expert-parallel group and layer, and in a run that records its routing the counts of every
 * micro-batch.
 */
public final class StepRecord {
  /** Scalars in the order of the vector. */
  @SuppressWarnings("EnumOrdinal") // the order is the layout
  public enum Field {
    /** Sum of the losses of all targets of the global batch, nats. */
    LOSS_SUM,
    /** Targets of the global batch. */
    TARGETS,
    /** Auxiliary loss, summed over layers. */
    AUX_LOSS,
    /** Router z-loss, summed over layers. */
    Z_LOSS,
    /** Squared norm of the gradient before clipping. */
    SQUARED_NORM,
    /** Learning rate of this update. */
    LEARNING_RATE,
    /** 1 if the update was applied. */
    APPLIED,
    /** It is not 0 if some rank had too many rows; then nothing was committed. */
    OVERFLOW,
    /** Most rows any rank needed in any layer. */
    REQUIRED_ROWS,
    /** It is not 0 if some rank asked to stop when it launched this replay. */
    STOP,
    /** Committed steps, after this one. */
    STEPS,
    /** Applied updates, after this one. */
    UPDATES,
    /** Updates skipped for a non-finite gradient, after this one. */
    SKIPPED,
    /** Replays, after this one. */
    REPLAYS;

    /** Place in the vector. */
    int place() {
      return ordinal();
    }
  }

  /**
   * Places in the vector: scalars, statistics of the loads, then counts if they are recorded.
   *
   * @param expertRanks ranks of an expert-parallel group
   * @param recordedMicroBatches micro-batches whose counts are recorded; 0 for none
   */
  record Layout(ModelOptions model, int expertRanks, int expertGroups, int recordedMicroBatches) {
    int length() {
      return Math.toIntExact(
          firstCount() + (long) expertGroups * model.moeLayers() * layerCounts());
    }

    boolean hasRouting() {
      return model.moeLayers() > 0 && recordedMicroBatches > 0;
    }

    /** {@code [expertGroups, moeLayers * statisticsLength]}. */
    Tensor statistics(Tensor record) {
      int first = Field.values().length;
      int length = firstCount() - first;
      return record.range(first, length).reshape(expertGroups, length / expertGroups);
    }

    /** The counts of all groups: {@code [expertGroups, moeLayers * layerCounts]}. */
    Tensor routing(Tensor record) {
      long each = model.moeLayers() * layerCounts();
      return record.range(firstCount(), expertGroups * each).reshape(expertGroups, each);
    }

    /** The counts of one group: {@code [moeLayers * microBatches, ranks * experts]}. */
    Tensor routing(Tensor record, int expertGroup) {
      return routing(record)
          .rows(expertGroup, 1)
          .reshape((long) model.moeLayers() * recordedMicroBatches, matrix());
    }

    private int firstCount() {
      return Field.values().length
          + expertGroups * model.moeLayers() * LoadStatistics.length(model, expertRanks);
    }

    private long layerCounts() {
      return recordedMicroBatches * matrix();
    }

    private long matrix() {
      return (long) expertRanks * model.moe().experts();
    }
  }

  private final double[] values;
  private final Layout layout;
  private final long reusedBytes;

  /**
   * @param values as the step wrote them; ownership passes
   * @param reusedBytes as {@link SlotPool#reusedBytes}
   */
  StepRecord(double[] values, Layout layout, long reusedBytes) {
    this.values = values;
    this.layout = layout;
    this.reusedBytes = reusedBytes;
  }

  /** Enqueues the copy of one scalar's source into {@code record}. */
  static void put(Ops ops, Tensor source, Field field, Tensor record) {
    ops.copy(source, record.range(field.place(), 1));
  }

  /** Number of expert-parallel groups with statistics here; 0 without experts. */
  public int expertGroups() {
    return layout.model().moeLayers() == 0 ? 0 : layout.expertGroups();
  }

  /** Micro-batches whose counts are here; 0 if the step does not record its routing. */
  public int recordedMicroBatches() {
    return layout.hasRouting() ? layout.recordedMicroBatches() : 0;
  }

  /**
   * Assignments of each rank of {@code expertGroup} to each expert, {@code [ranks * experts]}.
   *
   * @param microBatch below {@link #recordedMicroBatches}
   */
  public int[] routing(int expertGroup, int moeLayer, int microBatch) {
    int[] counts = new int[Math.toIntExact(layout.matrix())];
    long matrices =
        ((long) expertGroup * layout.model().moeLayers() + moeLayer) * layout.recordedMicroBatches()
            + microBatch;
    int first = Math.toIntExact(layout.firstCount() + matrices * counts.length);
    for (int i = 0; i < counts.length; i++) {
      counts[i] = (int) values[first + i];
    }
    return counts;
  }

  /** One scalar. */
  public double value(Field field) {
    return values[field.place()];
  }

  /** Mean loss per target, nats. */
  public double loss() {
    return value(Field.LOSS_SUM) / Math.max(1, value(Field.TARGETS));
  }

  /**
   * Loads of one mixture-of-experts layer over the step, in one expert-parallel group.
   *
   * @param expertCounts assignments per home expert
   * @param before assignments per rank without clones
   * @param after assignments per rank with clones
   * @param imbalanceBefore sum over micro-batches of max/mean
   * @param imbalanceAfter the same after planning
   * @param clones slots used, summed over micro-batches
   * @param clonesSent those whose weights the forward sent: all, unless clones are reused
   * @param weightBytesSaved weights that were not sent because slots held them already, in forward
   *     and backward
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  public record Loads(
      long[] expertCounts,
      long[] before,
      long[] after,
      double imbalanceBefore,
      double imbalanceAfter,
      long clones,
      long clonesSent,
      long weightBytesSaved) {}

  /** Loads of {@code moeLayer} in {@code expertGroup}. */
  public Loads loads(int expertGroup, int moeLayer) {
    return loads().loads(expertGroup, moeLayer);
  }

  /** Loads of all layers and groups. */
  public LoadStatistics loads() {
    return new LoadStatistics(
        values, Field.values().length, layout.model(), layout.expertRanks(), reusedBytes);
  }
}
