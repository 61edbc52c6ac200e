package io.antiphon.job.cluster;

import io.antiphon.conf.ConfigException;
import io.antiphon.conf.Problem;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Closes what Spark leaves open on a {@link LocalCluster} to those who do not know its secret.
 * Spark's standalone daemons take jobs over HTTP without a secret, and their web pages show
 * everything to everybody and end applications for everybody, unless they are told not to.
 */
final class ClusterSecurity {
  static final String SECRET = "spark.authenticate.secret";
  private static final String AUTHENTICATE = "spark.authenticate";
  private static final String KILL = "spark.ui.killEnabled";
  private static final String FILTERS = "spark.ui.filters";

  /** A web page of another site can send a form with a password that the browser remembers. */
  private static final Map<String, String> FIXED = Map.of(AUTHENTICATE, "true", KILL, "false");

  private static final List<String> OF_DAEMONS =
      List.of(
          "-Dspark.master.rest.enabled=false",
          "-Dspark.master.ui.decommission.allow.mode=DENY",
          "-D" + KILL + "=false",
          "-D" + FILTERS + "=" + SecretFilter.class.getName(),
          // Spark reads a message to its end before it asks who sent it; daemons get small ones.
          "-Dio.netty.maxDirectMemory=" + (64 << 20));

  private final Map<String, String> application;
  private final String secret;

  /**
   * @param application Spark's properties of the application that will use the cluster
   * @throws ConfigException if they would let others in
   */
  ClusterSecurity(Map<String, String> application) {
    requireFixed(application);
    this.application = Map.copyOf(application);
    this.secret = application.getOrDefault(SECRET, newSecret());
  }

  private static void requireFixed(Map<String, String> application) {
    List<Problem> problems = new ArrayList<>();
    FIXED.forEach(
        (name, value) -> {
          String given = application.getOrDefault(name, value);
          if (!given.strip().equalsIgnoreCase(value)) {
            problems.add(problem(name, given, "is always " + value + " with spark.cluster"));
          }
        });
    if (application.getOrDefault(SECRET, "any").isBlank()) {
      problems.add(problem(SECRET, "", "must not be empty"));
    }
    if (!problems.isEmpty()) {
      throw new ConfigException(problems);
    }
  }

  private static Problem problem(String name, String given, String message) {
    return new Problem(
        "settings",
        0,
        "spark.properties." + name,
        given,
        message + ": every user of this machine can reach the cluster",
        "remove the property");
  }

  private static String newSecret() {
    byte[] random = new byte[32];
    new SecureRandom().nextBytes(random);
    return HexFormat.of().formatHex(random);
  }

  /** The secret, which every process of the cluster must know and no other may. */
  String secret() {
    return secret;
  }

  /** What opens the web pages of master, workers and driver. */
  PagePassword pagePassword() {
    return PagePassword.of(secret);
  }

  /** Options of Java for master and workers, which must speak as the application does. */
  List<String> daemonOptions() {
    List<String> options = new ArrayList<>(OF_DAEMONS);
    spoken().forEach((name, value) -> options.add("-D" + name + "=" + value));
    return options;
  }

  /** What the application must set; it wins over what the user set. */
  Map<String, String> applicationProperties() {
    Map<String, String> properties = spoken();
    properties.put(SECRET, secret);
    properties.put(KILL, "false");
    String own = application.getOrDefault(FILTERS, "").strip();
    String filter = SecretFilter.class.getName();
    properties.put(FILTERS, own.isEmpty() ? filter : filter + "," + own);
    properties.put("spark.ui.enabled", application.getOrDefault("spark.ui.enabled", "false"));
    return properties;
  }

  /** Leaves the secret out: command lines can be seen by everybody. */
  private Map<String, String> spoken() {
    Map<String, String> spoken = new TreeMap<>();
    application.forEach(
        (name, value) -> {
          if (name.startsWith("spark.authenticate.") || name.startsWith("spark.network.crypto.")) {
            spoken.put(name, value);
          }
        });
    spoken.put(AUTHENTICATE, "true");
    spoken.remove(SECRET);
    return spoken;
  }
}
