package io.antiphon.job;

import io.antiphon.conf.ConfigException;
import io.antiphon.conf.Problem;
import io.antiphon.conf.Redaction;
import io.antiphon.conf.Settings;
import io.antiphon.conf.SparkDefaults;
import io.antiphon.job.barrier.AntiphonPlugin;
import io.antiphon.job.cluster.LocalCluster;
import io.antiphon.tensor.CommException;
import io.antiphon.train.RankDevice;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.apache.spark.SparkContext$;
import org.apache.spark.sql.SparkSession;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import scala.Tuple2;
import scala.jdk.javaapi.OptionConverters;

/** Opens the Spark session of a run. */
final class SparkSessions {
  private static final Logger LOG = LoggerFactory.getLogger(SparkSessions.class);
  private static final String MASTER = "spark.master";
  private static final String PLUGINS = "spark.plugins";
  private static final String SCRATCH = "spark.local.dir";
  private static final String SCRATCH_VARIABLE = "SPARK_LOCAL_DIRS";
  private static final String UI_FILTERS = "spark.ui.filters";
  private static final String UI_PORT = "spark.ui.port";
  private static final int MIN_PORT = 1024;
  private static final int MAX_PORT = 65535;

  /** Properties that the owner of an open session may choose without us. */
  private static final Set<String> OF_THE_SESSION =
      Set.of(MASTER, PLUGINS, "spark.app.name", "spark.ui.enabled");

  private SparkSessions() {}

  /**
   * A session with the properties of the settings. What {@code spark-submit} set wins over our
   * defaults, and over the master of the settings.
   *
   * @param cluster properties of a cluster started for this run; they win over all others
   * @throws io.antiphon.comm.EnvironmentException if ranks can never run in such a session
   * @throws ConfigException if Spark refuses a property
   * @throws CommException if Spark does not start for another reason, or its master does not answer
   */
  static SparkSession open(Settings settings, Map<String, String> cluster) {
    SparkVersion.require();
    Map<String, String> properties = properties(settings);
    properties.putAll(cluster);
    Redaction.requireGiven(properties);
    requireUiPort(properties);
    requireUiFilters(properties);
    SparkRequirements.require(properties, settings.parallelism().ranks());
    String plugins = Optional.ofNullable(properties.get(PLUGINS)).map(own -> own + ",").orElse("");
    properties.put(PLUGINS, plugins + AntiphonPlugin.class.getName());
    keepScratchPrivate(properties, cluster);
    SparkSession.Builder builder = SparkSession.builder();
    properties.forEach(builder::config);
    String master = properties.getOrDefault(MASTER, "");
    if (cluster.isEmpty() && !SparkDefaults.isLocal(master)) {
      LOG.info("asking {} for executors", master);
    }
    SparkSession session;
    try {
      session = builder.getOrCreate();
    } catch (Exception e) { // Scala code throws checked exceptions undeclared
      throw refused(e, properties);
    }
    requireAlive(session);
    if (!cluster.isEmpty()) {
      LocalCluster.pages(session.sparkContext())
          .ifPresent(pages -> LOG.info("Spark's pages, with their password: {}", pages));
    }
    return session;
  }

  /** On a machine that many use Spark would lay pieces of the texts open to all of them. */
  private static void keepScratchPrivate(
      Map<String, String> properties, Map<String, String> cluster) {
    boolean here = !cluster.isEmpty() || SparkDefaults.isLocal(properties.getOrDefault(MASTER, ""));
    if (here && !properties.containsKey(SCRATCH) && System.getenv(SCRATCH_VARIABLE) == null) {
      try {
        Path scratch = Files.createTempDirectory("antiphon-"); // for its owner only
        scratch.toFile().deleteOnExit(); // Spark removes what it puts there
        properties.put(SCRATCH, scratch.toString());
      } catch (IOException e) {
        throw new UncheckedIOException(
            "there is no place for Spark's scratch files: "
                + e
                + "; make room there, or set SPARK_LOCAL_DIRS",
            e);
      }
    }
  }

  /** The session of this process, opened by somebody else. */
  static Optional<SparkSession> there() {
    return OptionConverters.toJava(SparkContext$.MODULE$.getActive())
        .filter(context -> !context.isStopped())
        .map(context -> SparkSession.builder().getOrCreate());
  }

  /** Properties of a session. */
  static Map<String, String> its(SparkSession session) {
    Map<String, String> its = new TreeMap<>();
    for (Tuple2<String, String> property : session.sparkContext().getConf().getAll()) {
      its.put(property._1(), property._2());
    }
    return its;
  }

  /**
   * Fails unless ranks can run in somebody else's session. Warns of what it leaves out.
   *
   * @throws io.antiphon.comm.EnvironmentException if they never can
   * @throws ConfigException if the settings ask for a cluster of their own
   */
  static void requireUsable(SparkSession theirs, Settings settings) {
    SparkVersion.require();
    Map<String, String> its = its(theirs);
    if (settings.spark().cluster() > 0) {
      throw alreadyThere(settings, its.getOrDefault(MASTER, ""));
    }
    SparkRequirements.require(its, settings.parallelism().ranks());
    SparkRequirements.requirePlugin(its);
    List<String> without = leftOut(properties(settings), its);
    if (!without.isEmpty()) {
      LOG.warn(
          "the Spark session was there before this run, which cannot change it any more: what the"
              + " run would set has no effect: {}",
          String.join(", ", without));
    }
  }

  /** Names of properties that have no effect in a session with {@code its} properties. */
  static List<String> leftOut(Map<String, String> properties, Map<String, String> its) {
    return properties.entrySet().stream()
        .filter(wanted -> !OF_THE_SESSION.contains(wanted.getKey()))
        .filter(wanted -> !wanted.getValue().equals(its.get(wanted.getKey())))
        .map(Map.Entry::getKey)
        .toList();
  }

  /** Spark names other ports that it cannot use, but for this one it ends the process. */
  private static void requireUiPort(Map<String, String> properties) {
    String value = properties.getOrDefault(UI_PORT, "0").strip();
    if (value.matches("\\d{1,9}")) {
      int port = Integer.parseInt(value);
      if (port != 0 && (port < MIN_PORT || port > MAX_PORT)) {
        String reason =
            "%s is %d, and must be from %d to %d, or 0 for any free port"
                .formatted(UI_PORT, port, MIN_PORT, MAX_PORT);
        throw refused(reason, new IllegalArgumentException(reason));
      }
    }
  }

  /** For a filter of its UI that it cannot load Spark ends the process as well. */
  private static void requireUiFilters(Map<String, String> properties) {
    if (properties.getOrDefault("spark.ui.enabled", "true").strip().equalsIgnoreCase("false")) {
      return;
    }
    for (String filter : properties.getOrDefault(UI_FILTERS, "").split(",", -1)) {
      try {
        if (!filter.isBlank()) {
          Class.forName(filter.strip(), false, Thread.currentThread().getContextClassLoader());
        }
      } catch (ClassNotFoundException e) {
        throw refused("there is no class " + e.getMessage(), e);
      }
    }
  }

  /**
   * Fails if Spark has ended the application.
   *
   * @throws CommException which says so
   */
  static void requireAlive(SparkSession session) {
    if (session.sparkContext().isStopped()) {
      throw new CommException(
          "Spark ended the application before training began: master "
              + session.sparkContext().master()
              + " does not answer, or has refused it; see the lines above, and check spark.master"
              + " and that the master runs there");
    }
  }

  /** Spark checks its properties while it starts, and names the one it does not like. */
  static RuntimeException refused(Exception failure, Map<String, String> properties) {
    String reason = Redaction.without(String.valueOf(failure.getMessage()), properties);
    if (reason.contains("INVALID_DRIVER_MEMORY")) {
      return tooLittleMemory(failure);
    }
    if (failure instanceof IllegalArgumentException) {
      return refused(reason, failure);
    }
    if (failure instanceof ClassNotFoundException) {
      return refused("there is no class " + reason, failure);
    }
    return new CommException("Spark does not start: " + reason, failure);
  }

  /** Spark names a property that comes too late: the heap of this process is what it is. */
  private static ConfigException tooLittleMemory(Exception failure) {
    ConfigException refused =
        new ConfigException(
            List.of(
                new Problem(
                    "heap of the driver",
                    0,
                    "",
                    "",
                    "is %d MiB, and Spark does not start with less than 450"
                        .formatted(Runtime.getRuntime().maxMemory() >> 20),
                    "set ANTIPHON_MEMORY=4g for submit/antiphon, or --driver-memory 4g for"
                        + " spark-submit")));
    refused.initCause(failure);
    return refused;
  }

  private static ConfigException refused(String reason, Exception failure) {
    ConfigException refused =
        new ConfigException(
            List.of(
                new Problem(
                    "settings",
                    0,
                    "spark.properties",
                    "",
                    "Spark does not start with these properties: " + reason,
                    "change the property, here or in the command line of spark-submit")));
    refused.initCause(failure);
    return refused;
  }

  /** The properties of the settings, with those of {@code spark-submit} in their place. */
  static Map<String, String> properties(Settings settings) {
    Optional<String> submitted = Optional.ofNullable(System.getProperty(MASTER));
    if (submitted.isPresent() && settings.spark().cluster() > 0) {
      throw alreadySubmitted(settings, submitted.orElseThrow());
    }
    int ranks = settings.parallelism().ranks();
    Map<String, String> properties =
        new TreeMap<>(
            SparkDefaults.of(settings, submitted.orElse(settings.spark().masterFor(ranks))));
    for (String name : System.getProperties().stringPropertyNames()) {
      if (name.startsWith("spark.")) {
        properties.put(name, System.getProperty(name));
      }
    }
    return properties;
  }

  /**
   * Fails early if ranks on this machine cannot have the devices that the settings demand. What the
   * machines of a cluster have, only they know.
   */
  static void requireDevices(Settings settings, Map<String, String> properties) {
    String master = properties.getOrDefault(MASTER, "local");
    if (settings.spark().cluster() > 0
        || SparkDefaults.isLocal(master)
        || master.startsWith("local-cluster")) {
      RankDevice.requireAvailable(settings);
    }
  }

  private static ConfigException alreadyThere(Settings settings, String master) {
    return new ConfigException(
        List.of(
            new Problem(
                "settings",
                0,
                "spark.cluster",
                Integer.toString(settings.spark().cluster()),
                "must be 0 in a Spark session that is there already, whose master is " + master,
                "remove --cluster, or train in a process without a Spark session")));
  }

  private static ConfigException alreadySubmitted(Settings settings, String master) {
    return new ConfigException(
        List.of(
            new Problem(
                "settings",
                0,
                "spark.cluster",
                Integer.toString(settings.spark().cluster()),
                "must be 0 under spark-submit, which chose the master " + master,
                "remove --cluster, or start antiphon without spark-submit")));
  }
}
