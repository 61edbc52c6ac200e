package io.antiphon.submit;

import io.antiphon.conf.Settings;
import io.antiphon.conf.SparkDefaults;
import java.util.Map;
import java.util.Optional;

/**
 * Hardware queues of a GPU. Ranks that share one in one process wait for each other there, so their
 * streams must not share a queue, and only the environment of the process can see to that.
 */
final class GpuQueues {
  private static final String NAME = "GPU queues";
  private static final String VARIABLE = SparkDefaults.QUEUES_VARIABLE;
  private static final String NEEDED = SparkDefaults.QUEUES;
  private static final String OF_EXECUTORS = "spark.executorEnv." + VARIABLE;

  /** Compute, transfer and service. */
  private static final int STREAMS_OF_A_RANK = 3;

  private static final int MOST_RANKS = Integer.parseInt(NEEDED) / STREAMS_OF_A_RANK;

  private final int sharing;
  private final boolean executors;
  private final Optional<String> value;

  /**
   * The queues of one run.
   *
   * @param environment of this process, which is that of local ranks
   * @param visible GPUs of this machine
   */
  GpuQueues(Settings settings, Map<String, String> environment, int visible) {
    sharing = GpuSharing.of(settings, visible).inProcess();
    executors = settings.spark().cluster() > 0 || GpuDemand.isRemote(settings);
    value =
        Optional.ofNullable(
            executors ? SparkDefaults.of(settings).get(OF_EXECUTORS) : environment.get(VARIABLE));
  }

  Finding finding(GpuDemand demand) {
    if (sharing == 1) {
      return Finding.ok(NAME, "no two ranks of a process share a GPU");
    }
    String shared =
        sharing + " ranks of a process share a GPU; " + VARIABLE + " is " + value.orElse("not set");
    if (!value.equals(Optional.of(NEEDED))) {
      return demand.problem(NAME, shared + " and must be " + NEEDED, remedy());
    }
    if (sharing > MOST_RANKS) {
      return Finding.warn(
          NAME,
          shared
              + ", the most there are, and they make "
              + sharing * STREAMS_OF_A_RANK
              + " streams: a rank may wait behind another",
          "let at most "
              + MOST_RANKS
              + " ranks share a GPU (backend.ranks-per-gpu, parallelism.ranks)");
    }
    return Finding.ok(NAME, shared);
  }

  private String remedy() {
    return executors
        ? "remove " + OF_EXECUTORS + " from spark.properties, or set it to " + NEEDED
        : "export "
            + VARIABLE
            + "="
            + NEEDED
            + " before the process starts; submit/antiphon does so unless it is set";
  }
}
