package io.antiphon.conf;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigUtil;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueFactory;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The {@code KEY=VALUE} assignments of a command line; of several for one key the last counts. */
final class Overrides {
  private static final String ABSENT = "null";
  private static final String PROPERTY = Schema.PROPERTIES + ".";

  private final Map<String, ConfigValue> assigned = new LinkedHashMap<>();
  private final List<Problem> problems;

  private Overrides(List<Problem> problems) {
    this.problems = problems;
  }

  /** Reads assignments, adding what is wrong with them to {@code problems}. */
  static Overrides parse(List<String> assignments, Values values, List<Problem> problems) {
    Overrides overrides = new Overrides(problems);
    for (String assignment : assignments) {
      int equals = assignment.indexOf('=');
      if (equals < 1) {
        problems.add(
            new Problem(
                Problem.OVERRIDE + assignment,
                0,
                "",
                "",
                "must be KEY=VALUE",
                "write for example --set schedule.steps=100"));
      } else {
        overrides.assign(
            unquoted(assignment.substring(0, equals).strip()),
            assignment.substring(equals + 1),
            values);
      }
    }
    return overrides;
  }

  /** The name of a property may stand in quotes, as in a file. */
  private static String unquoted(String key) {
    boolean quoted =
        key.startsWith(PROPERTY + "\"")
            && key.endsWith("\"")
            && key.length() > PROPERTY.length() + 2;
    return quoted ? PROPERTY + key.substring(PROPERTY.length() + 1, key.length() - 1) : key;
  }

  private void assign(String key, String text, Values values) {
    Place place = new Place(Problem.OVERRIDE + key + "=" + text, 0);
    if (key.equals(Schema.PROPERTIES) || Schema.GROUPS.containsKey(key)) {
      problems.add(
          place.problem(
              key,
              text,
              key + " is a group of keys",
              "set one of its keys, such as " + exampleBelow(key)));
    } else if (Schema.KEYS.containsKey(key) || key.startsWith(PROPERTY)) {
      Object value = text.equals(ABSENT) ? null : text;
      assigned.put(key, ConfigValueFactory.fromAnyRef(value, place.file()));
    } else {
      Optional<String> meant = Spelling.closestPath(key);
      meant.ifPresent(values::markBad);
      problems.add(
          place.problem(
              key,
              text,
              "unknown key",
              meant
                  .map(known -> "did you mean " + known + "?")
                  .orElse("the keys are listed in docs/configuration.md")));
    }
  }

  /** A configuration with the assigned values in place of its own. */
  Config over(Config config) {
    Config merged = ConfigFactory.empty();
    for (Map.Entry<String, ConfigValue> assignment : assigned.entrySet()) {
      merged = merged.withValue(hoconPath(assignment.getKey()), assignment.getValue());
    }
    return merged.withFallback(config);
  }

  private static String hoconPath(String key) {
    return key.startsWith(PROPERTY)
        ? PROPERTY + ConfigUtil.quoteString(key.substring(PROPERTY.length()))
        : key;
  }

  private static String exampleBelow(String group) {
    return Schema.KEYS.keySet().stream()
        .filter(path -> path.startsWith(group + "."))
        .findFirst()
        .orElse(PROPERTY + "spark.sql.shuffle.partitions");
  }
}
