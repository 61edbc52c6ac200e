package io.antiphon.conf;

import java.time.Duration;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The Spark application around the ranks.
 *
 * <p>Components: see {@code docs/configuration.md}, section {@code spark}.
 */
public record Spark(
    @Key(
            doc = "Spark master",
            absent = "`local[<parallelism.ranks>]`",
            pattern = "local(\\[.+\\])?|local-cluster\\[.+\\]|yarn|[a-z][a-z0-9+.-]*://.+",
            form = "local, local[N], yarn, spark://HOST:PORT or k8s://URL",
            resume = Resume.FREE)
        Optional<String> master,
    @Key(
            doc =
                "Executors of a Spark cluster that the run starts on this machine and stops at its"
                    + " end, each with an equal share of the ranks; 0 uses `spark.master`",
            byDefault = "0",
            min = 0,
            max = 256,
            unit = "executors",
            resume = Resume.FREE)
        int cluster,
    @Key(
            doc = "How often a run goes on from its last checkpoint after it lost a rank",
            byDefault = "3",
            min = 0,
            unit = "restarts",
            resume = Resume.FREE)
        int maxRestarts,
    @Key(
            doc = "Heap of an executor's JVM; at least `512m`",
            byDefault = "2g",
            pattern = "[0-9]{1,9}[kmgtKMGT][bB]?",
            form = "a whole number with a unit k, m, g or t, such as 2g",
            resume = Resume.FREE)
        String executorMemory,
    @Key(
            doc = "A rank that waits longer than this for the others gives the group up as lost",
            megatron = "--distributed-timeout-minutes",
            byDefault = "120s",
            min = 1,
            resume = Resume.FREE)
        Duration commTimeout,
    @Key(
            doc =
                "Any other key of Spark. Quote the names, as in `\"spark.sql.shuffle.partitions\" ="
                    + " 64`: unquoted, `spark.speculation.interval` would replace"
                    + " `spark.speculation`",
            resume = Resume.FREE)
        Map<String, String> properties) {

  /** Checks the limits of every key and keeps the properties in order. */
  public Spark {
    properties = Collections.unmodifiableMap(new TreeMap<>(properties));
    Limits.require(
        Spark.class, master, cluster, maxRestarts, executorMemory, commTimeout, properties);
  }

  /** The master to use where nobody else chose one: the key's, or one local thread per rank. */
  public String masterFor(int ranks) {
    return master.orElse("local[" + ranks + "]");
  }
}
