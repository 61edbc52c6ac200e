package io.antiphon.conf;

import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigRenderOptions;
import com.typesafe.config.ConfigUtil;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueType;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How long values become once their substitutions are put in: twenty-seven lines, each twice the
 * one before it, are more text than a heap holds. An estimate that is never too low.
 */
final class Substitutions {
  /** Characters that all values together may become. */
  static final long LIMIT = 1 << 20;

  /** Substitutions that may take in their own value, each of which can double it. */
  private static final int DOUBLINGS = 16;

  private static final Pattern SUBSTITUTION = Pattern.compile("\\$\\{\\??([^}]*)}");
  private static final ConfigRenderOptions PLAIN = ConfigRenderOptions.concise();

  /** Values by their path: what they say themselves, and the paths they take in. */
  private final Map<List<String>, Value> values = new HashMap<>();

  private final Map<List<String>, Long> sizes = new HashMap<>();
  private final Set<List<String>> open = new HashSet<>();
  private boolean cycle;

  private record Value(long chars, List<List<String>> taken) {}

  private static final Value NOTHING = new Value(0, List.of());

  private Substitutions(ConfigObject root) {
    collect(List.of(), root);
  }

  /** A value that would become too long, by its path; empty if there is none. */
  static Optional<String> tooLong(ConfigObject root) {
    Substitutions all = new Substitutions(root);
    int substitutions = all.values.values().stream().mapToInt(value -> value.taken().size()).sum();
    long sum = 0;
    for (List<String> path : all.values.keySet()) {
      sum += all.size(path);
      if (sum > LIMIT || (all.cycle && substitutions > DOUBLINGS)) {
        return Optional.of(ConfigUtil.joinPath(path));
      }
    }
    return Optional.empty();
  }

  private void collect(List<String> path, ConfigValue value) {
    if (value instanceof ConfigObject object && isPlain(value)) {
      object.forEach(
          (name, child) -> {
            List<String> longer = new ArrayList<>(path);
            longer.add(name);
            collect(longer, child);
          });
      return;
    }
    String text = value.render(PLAIN);
    List<List<String>> taken = new ArrayList<>();
    Matcher matcher = SUBSTITUTION.matcher(text);
    while (matcher.find()) {
      split(matcher.group(1)).ifPresent(taken::add);
    }
    values.put(path, new Value(text.length(), taken));
  }

  /** Whether a value's type is known: that of one made of substitutions is not. */
  private static boolean isPlain(ConfigValue value) {
    try {
      return value.valueType() == ConfigValueType.OBJECT
          && ((ConfigObject) value).entrySet() != null;
    } catch (ConfigException.NotResolved e) {
      return false;
    }
  }

  private static Optional<List<String>> split(String path) {
    try {
      return Optional.of(ConfigUtil.splitPath(path.strip()));
    } catch (ConfigException e) {
      return Optional.empty(); // text in quotes that only looks like one
    }
  }

  private long size(List<String> path) {
    Long known = sizes.get(path);
    if (known != null) {
      return known;
    }
    if (!open.add(path)) {
      cycle = true; // one without end is reported by the library
      return 0;
    }
    Value value = values.getOrDefault(path, NOTHING);
    long size = value.chars();
    int doublings = 0;
    for (List<String> taken : value.taken()) {
      if (isWithin(taken, path) || isWithin(path, taken)) {
        doublings++; // the value before this one, which may have taken in the one before that
      } else {
        size = Math.min(LIMIT + 1, size + sizeBelow(taken));
      }
    }
    open.remove(path);
    size = doublings > DOUBLINGS ? LIMIT + 1 : Math.min(LIMIT + 1, size << doublings);
    sizes.put(path, size);
    return size;
  }

  /** Size of the value at a path, of all values in a group, or of the value that holds it. */
  private long sizeBelow(List<String> taken) {
    long size = Optional.ofNullable(System.getenv(String.join(".", taken))).orElse("").length();
    for (List<String> path : values.keySet()) {
      if (isWithin(path, taken) || isWithin(taken, path)) {
        size = Math.min(LIMIT + 1, size + size(path));
      }
    }
    return size;
  }

  private static boolean isWithin(List<String> path, List<String> outer) {
    return path.size() >= outer.size() && path.subList(0, outer.size()).equals(outer);
  }
}
