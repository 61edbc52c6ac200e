package io.antiphon.model;

import io.antiphon.tensor.Ops;
import io.antiphon.tensor.Tensor;

/**
 * What a step leaves for the host, as one F64 vector: a few scalars, then load statistics per
 * expert-parallel group and layer.
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
    /** Not 0 if some rank had too many rows; then nothing was committed. */
    OVERFLOW,
    /** Most rows any rank needed in any layer. */
    REQUIRED_ROWS,
    /** Not 0 if some rank asked to stop when it launched this replay. */
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

  private final double[] values;
  private final ModelOptions model;
  private final int expertRanks;
  private final long reusedBytes;

  /**
   * @param values as the step wrote them; ownership passes
   * @param expertRanks ranks of an expert-parallel group
   * @param reusedBytes as {@link SlotPool#reusedBytes}
   */
  StepRecord(double[] values, ModelOptions model, int expertRanks, long reusedBytes) {
    this.values = values;
    this.model = model;
    this.expertRanks = expertRanks;
    this.reusedBytes = reusedBytes;
  }

  static int length(ModelOptions model, int expertRanks, int expertGroups) {
    return Field.values().length
        + expertGroups * model.moeLayers() * LoadStatistics.length(model, expertRanks);
  }

  /** Enqueues the copy of one scalar's source into {@code record}. */
  static void put(Ops ops, Tensor source, Field field, Tensor record) {
    ops.copy(source, record.range(field.place(), 1));
  }

  /**
   * The statistics part of {@code record}: {@code [expertGroups, moeLayers * statisticsLength]}.
   */
  static Tensor statistics(Tensor record, int expertGroups) {
    int first = Field.values().length;
    long length = record.elements() - first;
    return record.range(first, length).reshape(expertGroups, length / expertGroups);
  }

  /** Number of expert-parallel groups with statistics here; 0 without experts. */
  public int expertGroups() {
    int each = model.moeLayers() * LoadStatistics.length(model, expertRanks);
    return each == 0 ? 0 : (values.length - Field.values().length) / each;
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
    return new LoadStatistics(values, Field.values().length, model, expertRanks, reusedBytes);
  }
}
