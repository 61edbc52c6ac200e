package io.antiphon.train;

import io.antiphon.model.Groups;
import io.antiphon.model.LoadStatistics;
import io.antiphon.model.StepRecord;
import io.antiphon.train.report.LayerLoad;
import java.util.ArrayList;
import java.util.List;

/** Turns the load statistics of a device into what a user sees. */
final class LayerLoads {
  private LayerLoads() {}

  /**
   * The loads of all mixture-of-experts layers, over all expert-parallel groups.
   *
   * @param microBatches that {@code statistics} sums up
   */
  static List<LayerLoad> of(
      LoadStatistics statistics, ModelSetup setup, Groups groups, long microBatches) {
    List<LayerLoad> layers = new ArrayList<>();
    int denseLayers = setup.model().layers() - setup.model().moeLayers();
    for (int layer = 0; layer < setup.model().moeLayers(); layer++) {
      layers.add(of(statistics, setup, groups, layer, denseLayers + layer, microBatches));
    }
    return layers;
  }

  private static LayerLoad of(
      LoadStatistics statistics,
      ModelSetup setup,
      Groups groups,
      int moeLayer,
      int layer,
      long microBatches) {
    int expertRanks = groups.experts().ranks();
    int expertGroups = groups.expertGroups();
    long[] counts = new long[setup.model().moe().experts()];
    long[] before = new long[expertRanks * expertGroups];
    long[] after = new long[before.length];
    double imbalanceBefore = 0;
    double imbalanceAfter = 0;
    long clones = 0;
    long sent = 0;
    long saved = 0;
    for (int group = 0; group < expertGroups; group++) {
      StepRecord.Loads loads = statistics.loads(group, moeLayer);
      for (int expert = 0; expert < counts.length; expert++) {
        counts[expert] += loads.expertCounts()[expert];
      }
      System.arraycopy(loads.before(), 0, before, group * expertRanks, expertRanks);
      System.arraycopy(loads.after(), 0, after, group * expertRanks, expertRanks);
      imbalanceBefore += loads.imbalanceBefore();
      imbalanceAfter += loads.imbalanceAfter();
      clones += loads.clones();
      sent += loads.clonesSent();
      saved += loads.weightBytesSaved();
    }
    double plans = (double) expertGroups * microBatches;
    return new LayerLoad(
        layer,
        counts,
        before,
        after,
        imbalanceBefore / plans,
        imbalanceAfter / plans,
        Math.toIntExact(clones),
        Math.toIntExact(sent),
        saved);
  }
}
