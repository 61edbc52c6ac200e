package io.antiphon.run;

import io.antiphon.conf.Settings;
import java.util.List;

/** The overrides that put a run on another number of ranks without training. */
final class RankOverrides {
  /** A cluster of the run's own is for training. */
  static final String NO_CLUSTER = "spark.cluster=0";

  private RankOverrides() {}

  /**
   * As many ranks as asked share one set of experts, if its number allows that; the global batch,
   * which only training uses, follows the ranks.
   */
  static List<String> of(Settings settings, int ranks) {
    int experts = settings.moe().experts();
    int expertParallel = Math.max(1, ranks);
    while (expertParallel > 1 && (ranks % expertParallel != 0 || experts % expertParallel != 0)) {
      expertParallel--;
    }
    return List.of(
        "parallelism.ranks=" + ranks,
        "parallelism.expert-parallel=" + expertParallel,
        "schedule.global-batch=" + (long) ranks * settings.schedule().microBatch(),
        "spark.master=null");
  }
}
