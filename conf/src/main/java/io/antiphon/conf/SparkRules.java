package io.antiphon.conf;

import static io.antiphon.conf.Rule.set;

import com.typesafe.config.ConfigUtil;
import io.antiphon.conf.Rule.Finding;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Stream;

/** Rules about Spark: what its scheduler would refuse or, worse, wait for without a word. */
final class SparkRules {
  private static final String MASTER = "spark.master";
  private static final String CLUSTER = "spark.cluster";
  private static final String RANKS = "parallelism.ranks";
  private static final String MEMORY = "spark.executor-memory";
  private static final double LEAST_MEBIBYTES = 512; // Spark refuses less than 450 MiB
  private static final Pattern LOCAL = Pattern.compile("local(\\[(\\d+)(,\\s*\\d+)?])?");
  private static final Pattern LOCAL_CLUSTER =
      Pattern.compile("local-cluster\\[\\s*(\\d+)\\s*,\\s*(\\d+)\\s*,\\s*\\d+\\s*]");
  private static final Pattern RESOURCE =
      Pattern.compile("spark\\.(driver|executor|task)\\.resource\\..+");

  /** Keys of Spark that have a key of their own here. */
  private static final Map<String, String> OWN_KEYS =
      Map.of(
          "spark.master", MASTER,
          "spark.app.name", "name",
          "spark.executor.memory", MEMORY);

  static final List<Rule> ALL =
      List.of(
          new Rule(
              "spark.executor-memory is at least 512m.", List.of(MEMORY), SparkRules::enoughMemory),
          new Rule(
              "Names below spark.properties start with spark. and have no key of their own here"
                  + " (spark.master, spark.app.name and spark.executor.memory do).",
              List.of(Schema.PROPERTIES),
              SparkRules::names),
          new Rule(
              "spark.redaction.regex, which says what is a secret, is a regular expression.",
              List.of(Schema.PROPERTIES),
              SparkRules::redaction),
          new Rule(
              "spark.kryo.registrationRequired is not true: Spark does not register all classes"
                  + " that it sends itself.",
              List.of(Schema.PROPERTIES),
              SparkRules::unregisteredClasses),
          new Rule(
              "spark.properties does not switch dynamic allocation on: a barrier stage needs all"
                  + " executors at once.",
              List.of(Schema.PROPERTIES),
              SparkRules::noDynamicAllocation),
          new Rule(
              "spark.cluster starts a cluster, spark.master names one: at most one of them is set.",
              List.of(CLUSTER, MASTER),
              SparkRules::oneCluster),
          new Rule(
              "spark.cluster divides parallelism.ranks.",
              List.of(CLUSTER, RANKS),
              SparkRules::equalShares),
          new Rule(
              "With a local master or spark.cluster, spark.properties asks for no resources such as"
                  + " GPUs: the stage would wait for ever.",
              List.of(Schema.PROPERTIES, MASTER),
              SparkRules::noLocalResources),
          new Rule(
              "A local master has a slot, of spark.task.cpus threads, for each of"
                  + " parallelism.ranks.",
              List.of(Schema.PROPERTIES, MASTER, CLUSTER, RANKS),
              SparkRules::enoughSlots));

  private SparkRules() {}

  private static Stream<Finding> enoughMemory(Values values) {
    String text = values.text(MEMORY).orElseThrow().toLowerCase(Locale.ROOT).replace("b", "");
    int last = text.length() - 1;
    double amount = Long.parseLong(text.substring(0, last));
    if (amount * Math.pow(1024, "kmgt".indexOf(text.charAt(last)) - 1) >= LEAST_MEBIBYTES) {
      return Stream.empty();
    }
    return Stream.of(new Finding(MEMORY, "must be at least 512m", set(MEMORY, "2g")));
  }

  private static Stream<Finding> names(Values values) {
    return values.properties().entrySet().stream().flatMap(SparkRules::name);
  }

  private static Stream<Finding> name(Map.Entry<String, String> property) {
    String name = property.getKey();
    String ownKey = OWN_KEYS.get(name);
    if (ownKey != null) {
      return Stream.of(
          new Finding(
              property(name),
              "has a key of its own",
              "move it: " + set(ownKey, ConfigUtil.quoteString(property.getValue()))));
    }
    return name.startsWith("spark.")
        ? Stream.empty()
        : Stream.of(
            new Finding(
                property(name),
                "must start with spark.",
                "write the whole name of Spark's key, such as spark." + name));
  }

  private static Stream<Finding> unregisteredClasses(Values values) {
    String name = "spark.kryo.registrationRequired";
    return Boolean.parseBoolean(values.properties().get(name))
        ? Stream.of(
            new Finding(
                property(name),
                "must be false: Spark does not register all classes that it sends itself",
                "remove it"))
        : Stream.empty();
  }

  private static Stream<Finding> redaction(Values values) {
    String own = values.properties().getOrDefault(Redaction.KEY, "");
    try {
      Pattern.compile(own);
      return Stream.empty();
    } catch (PatternSyntaxException e) {
      return Stream.of(
          new Finding(
              property(Redaction.KEY),
              "must be a regular expression: " + e.getDescription(),
              "correct it, or leave it out: then what Spark takes for a secret is one"));
    }
  }

  private static Stream<Finding> noDynamicAllocation(Values values) {
    String name = "spark.dynamicAllocation.enabled";
    if (!Boolean.parseBoolean(values.properties().get(name))) {
      return Stream.empty();
    }
    return Stream.of(
        new Finding(
            property(name),
            "must be false: a barrier stage needs all executors at once",
            "remove it, and set the number of executors with spark.executor.instances"));
  }

  private static Stream<Finding> oneCluster(Values values) {
    if (values.whole(CLUSTER) == 0 || values.text(MASTER).isEmpty()) {
      return Stream.empty();
    }
    return Stream.of(
        new Finding(
            CLUSTER,
            "must be 0 with spark.master = " + values.text(MASTER).orElseThrow(),
            "remove spark.cluster (--cluster) to use that master, or spark.master (--master) to"
                + " start a cluster here"));
  }

  private static Stream<Finding> equalShares(Values values) {
    long executors = values.whole(CLUSTER);
    long ranks = values.whole(RANKS);
    if (executors == 0 || ranks % executors == 0) {
      return Stream.empty();
    }
    return Stream.of(
        new Finding(
            CLUSTER,
            "must divide parallelism.ranks (" + ranks + ")",
            set(CLUSTER, Rule.divisorUpTo(executors, ranks))
                + ", or "
                + RANKS
                + " = "
                + Rule.roundUp(ranks, executors)));
  }

  private static Stream<Finding> noLocalResources(Values values) {
    String master = values.text(MASTER).orElse("local");
    if (!SparkDefaults.isLocal(master)) {
      return Stream.empty();
    }
    return values.properties().keySet().stream()
        .filter(name -> RESOURCE.matcher(name).matches())
        .map(
            name ->
                new Finding(
                    property(name),
                    "needs a cluster: a local master has no resources to give and would wait for"
                        + " them for ever",
                    "remove it (local ranks share this machine's GPUs), or set spark.master to"
                        + " the cluster's URL"));
  }

  private static Stream<Finding> enoughSlots(Values values) {
    long ranks = values.whole(RANKS);
    String cpusKey = "spark.task.cpus";
    String cpusText = values.properties().getOrDefault(cpusKey, "1");
    long cpus = cpusText.matches("[1-9][0-9]{0,5}") ? Long.parseLong(cpusText) : 1;
    if (values.whole(CLUSTER) > 0) {
      return Stream.empty(); // it is made to measure
    }
    String master = values.text(MASTER).orElse("local[" + ranks + "]");
    OptionalLong slots = slots(master, cpus);
    if (slots.isEmpty() || slots.getAsLong() >= ranks) {
      return Stream.empty();
    }
    return Stream.of(
        new Finding(
            values.text(MASTER).isPresent() ? MASTER : property(cpusKey),
            "must leave a slot for each of parallelism.ranks ("
                + ranks
                + "): "
                + master
                + " has "
                + slots.getAsLong()
                + (cpus > 1 ? " of " + cpus + " threads" : ""),
            set(MASTER, "\"local[" + ranks * cpus + "]\"")
                + ", or parallelism.ranks = "
                + Math.max(1, slots.getAsLong())));
  }

  private static OptionalLong slots(String master, long cpus) {
    Matcher local = LOCAL.matcher(master);
    if (local.matches()) {
      return OptionalLong.of((local.group(2) == null ? 1 : bounded(local.group(2))) / cpus);
    }
    Matcher cluster = LOCAL_CLUSTER.matcher(master);
    if (cluster.matches()) {
      return OptionalLong.of(bounded(cluster.group(1)) * (bounded(cluster.group(2)) / cpus));
    }
    return OptionalLong.empty(); // of a real cluster, or of local[*], only Spark knows
  }

  private static long bounded(String digits) {
    return digits.length() > 9 ? Integer.MAX_VALUE : Long.parseLong(digits);
  }

  private static String property(String name) {
    return Schema.PROPERTIES + "." + name;
  }
}
