package io.antiphon.job;

import io.antiphon.comm.EnvironmentException;
import io.antiphon.conf.SparkDefaults;
import io.antiphon.job.barrier.AntiphonPlugin;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * What ranks need of a Spark application, as far as its properties tell: that all of them can run
 * at once. Spark itself would find out after the data was prepared, and wait ten minutes.
 */
final class SparkRequirements {
  private static final String DYNAMIC = "spark.dynamicAllocation.enabled";
  private static final String PLUGINS = "spark.plugins";
  private static final String TASK_CPUS = "spark.task.cpus";
  private static final String INSTANCES = "spark.executor.instances";
  private static final String EXECUTOR_CORES = "spark.executor.cores";
  private static final String MAX_CORES = "spark.cores.max";

  private static final Pattern LOCAL =
      Pattern.compile("local(?:\\[\\s*(\\d{1,6}|\\*)\\s*(?:,.*)?])?");
  private static final Pattern LOCAL_CLUSTER =
      Pattern.compile("local-cluster\\[\\s*(\\d{1,6})\\s*,\\s*(\\d{1,6})\\s*,.*]");

  private SparkRequirements() {}

  /**
   * Task slots that an application can have at most.
   *
   * @param because the properties that say so
   * @param remedy what gives it more
   */
  private record Slots(int most, String because, String remedy) {}

  /**
   * Fails if an application with these properties can never run so many ranks.
   *
   * @param properties of Spark, as the application has them
   * @throws EnvironmentException in one line for the user
   */
  static void require(Map<String, String> properties, int ranks) {
    String master = properties.getOrDefault("spark.master", "");
    if (!SparkDefaults.isLocal(master)
        && Boolean.parseBoolean(properties.getOrDefault(DYNAMIC, "false").strip())) {
      throw new EnvironmentException(
          DYNAMIC
              + "=true, from spark-submit, its spark-defaults.conf or spark.properties: Spark does"
              + " not run ranks with it, which must all run at once; add --conf "
              + DYNAMIC
              + "=false to spark-submit, or set it in spark.properties");
    }
    Optional<Slots> slots = slots(master, properties, ranks);
    if (slots.isPresent() && slots.get().most() < ranks) {
      throw new EnvironmentException(
          "parallelism.ranks=%d needs %d task slots at once, and there are at most %d with %s; %s, or lower parallelism.ranks"
              .formatted(
                  ranks, ranks, slots.get().most(), slots.get().because(), slots.get().remedy()));
    }
  }

  /**
   * Fails if a session that was there before cannot carry what ranks report.
   *
   * @throws EnvironmentException in one line for the user
   */
  static void requirePlugin(Map<String, String> properties) {
    String plugin = AntiphonPlugin.class.getName();
    boolean named =
        Arrays.stream(properties.getOrDefault(PLUGINS, "").split(",", -1))
            .anyMatch(name -> name.strip().equals(plugin));
    if (!named) {
      throw new EnvironmentException(
          "this Spark session was started without %s=%s, over which ranks report; start it with --conf %s=%s"
              .formatted(PLUGINS, plugin, PLUGINS, plugin));
    }
  }

  /** Empty if only the cluster knows, or if Spark will refuse a property. */
  private static Optional<Slots> slots(String master, Map<String, String> properties, int ranks) {
    OptionalInt cpus = number(properties, TASK_CPUS, 1);
    if (cpus.isEmpty() || cpus.getAsInt() < 1) {
      return Optional.empty();
    }
    int perTask = cpus.getAsInt();
    long cores = (long) ranks * perTask;
    Matcher local = LOCAL.matcher(master);
    if (local.matches()) {
      int threads = local.group(1) == null ? 1 : threads(local.group(1));
      return Optional.of(
          new Slots(
              threads / perTask,
              said(properties, "spark.master", TASK_CPUS),
              "use --master local[" + cores + "]"));
    }
    Matcher own = LOCAL_CLUSTER.matcher(master);
    if (own.matches()) {
      return Optional.of(
          new Slots(
              Integer.parseInt(own.group(1)) * (Integer.parseInt(own.group(2)) / perTask),
              said(properties, "spark.master", TASK_CPUS),
              "give it more executors or cores"));
    }
    if (master.startsWith("spark://")) {
      return number(properties, MAX_CORES, 0).stream()
          .filter(most -> most > 0)
          .mapToObj(
              most ->
                  new Slots(
                      inExecutors(most, properties, perTask),
                      said(properties, MAX_CORES, EXECUTOR_CORES, TASK_CPUS),
                      "use --total-executor-cores " + cores))
          .findFirst();
    }
    if (master.startsWith("yarn") || master.startsWith("k8s:")) {
      OptionalInt executors = number(properties, INSTANCES, 2);
      OptionalInt each = number(properties, EXECUTOR_CORES, 1);
      if (executors.isPresent() && each.isPresent()) {
        return Optional.of(
            new Slots(
                Math.toIntExact(
                    Math.min(
                        Integer.MAX_VALUE,
                        (long) executors.getAsInt() * (each.getAsInt() / perTask))),
                said(properties, INSTANCES, EXECUTOR_CORES, TASK_CPUS),
                "use more of --num-executors (2 by default) times --executor-cores (1 by"
                    + " default)"));
      }
    }
    return Optional.empty();
  }

  /** Cores that do not fill an executor are of no use, if executors have a size. */
  private static int inExecutors(int most, Map<String, String> properties, int perTask) {
    int size = number(properties, EXECUTOR_CORES, 0).orElse(0);
    return size > 0 ? most / size * (size / perTask) : most / perTask;
  }

  private static int threads(String text) {
    return text.equals("*") ? Runtime.getRuntime().availableProcessors() : Integer.parseInt(text);
  }

  private static OptionalInt number(Map<String, String> properties, String name, int otherwise) {
    String value = properties.getOrDefault(name, Integer.toString(otherwise)).strip();
    return value.matches("\\d{1,9}")
        ? OptionalInt.of(Integer.parseInt(value))
        : OptionalInt.empty();
  }

  /** Properties that are set, with their values. */
  private static String said(Map<String, String> properties, String... names) {
    List<String> set =
        Arrays.stream(names)
            .filter(properties::containsKey)
            .map(name -> name + "=" + properties.get(name))
            .toList();
    return set.isEmpty() ? "Spark's defaults" : set.stream().collect(Collectors.joining(", "));
  }
}
