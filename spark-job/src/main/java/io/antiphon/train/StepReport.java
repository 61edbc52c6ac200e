package io.antiphon.train;

import io.antiphon.model.Groups;
import io.antiphon.model.StepRecord;
import io.antiphon.model.StepRecord.Field;
import java.util.ArrayList;
import java.util.List;

/** Turns what a step left on the device into what a user sees. */
final class StepReport {
  private StepReport() {}

  static StepMetrics of(
      StepRecord record,
      ModelSetup setup,
      Groups groups,
      long rowCapacity,
      double seconds,
      int reruns) {
    List<LayerLoad> layers = new ArrayList<>();
    int denseLayers = setup.model().layers() - setup.model().moeLayers();
    for (int layer = 0; layer < setup.model().moeLayers(); layer++) {
      layers.add(load(record, setup, groups, layer, denseLayers + layer));
    }
    return new StepMetrics(
        (long) record.value(Field.STEPS),
        record.loss(),
        record.value(Field.AUX_LOSS),
        record.value(Field.Z_LOSS),
        Math.sqrt(record.value(Field.SQUARED_NORM)),
        record.value(Field.LEARNING_RATE),
        (long) record.value(Field.TARGETS),
        setup.batch().globalTokens(),
        seconds,
        reruns,
        (long) record.value(Field.SKIPPED),
        rowCapacity,
        (long) record.value(Field.REQUIRED_ROWS),
        layers);
  }

  private static LayerLoad load(
      StepRecord record, ModelSetup setup, Groups groups, int moeLayer, int layer) {
    int expertRanks = groups.experts().ranks();
    int expertGroups = groups.expertGroups();
    long[] counts = new long[setup.model().moe().experts()];
    long[] before = new long[expertRanks * expertGroups];
    long[] after = new long[before.length];
    double imbalanceBefore = 0;
    double imbalanceAfter = 0;
    long clones = 0;
    for (int group = 0; group < expertGroups; group++) {
      StepRecord.Loads loads = record.loads(group, moeLayer);
      for (int expert = 0; expert < counts.length; expert++) {
        counts[expert] += loads.expertCounts()[expert];
      }
      System.arraycopy(loads.before(), 0, before, group * expertRanks, expertRanks);
      System.arraycopy(loads.after(), 0, after, group * expertRanks, expertRanks);
      imbalanceBefore += loads.imbalanceBefore();
      imbalanceAfter += loads.imbalanceAfter();
      clones += loads.clones();
    }
    double plans = (double) expertGroups * setup.batch().microBatches();
    return new LayerLoad(
        layer,
        counts,
        before,
        after,
        imbalanceBefore / plans,
        imbalanceAfter / plans,
        Math.toIntExact(clones));
  }
}
