package io.antiphon.conf;

import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigRenderOptions;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueType;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Reads the groups of a resolved file into {@link Values}, reporting everything it stumbles on. */
final class GroupReader {
  private static final int GUESSED = 100; // a guess compares with every key

  private final Values values;
  private final List<Problem> problems;

  GroupReader(Values values, List<Problem> problems) {
    this.values = values;
    this.problems = problems;
  }

  /** Reads one group and all below it. */
  void read(Group group, ConfigObject object) {
    Place place = Place.of(object);
    if (!place.isOverride()) {
      values.putPlace(group.path(), place);
    }
    object.keySet().stream()
        .filter(name -> group.children().stream().noneMatch(child -> child.name().equals(name)))
        .sorted()
        .forEach(name -> unknown(group.pathOf(name), at(object, name)));
    for (Node child : group.children()) {
      ConfigValue value = object.get(child.name());
      if (value == null || value.valueType() == ConfigValueType.NULL) {
        continue;
      }
      if (scalar(value).filter(HoconSource::isUndefined).isPresent()) {
        values.markBad(child.path());
      } else if (child instanceof SettingKey key) {
        readKey(key, value);
      } else if (value instanceof ConfigObject inner) {
        read((Group) child, inner);
      } else {
        bad(
            child.path(),
            value,
            "must be a group of keys",
            "write " + child.name() + " { ... } with its keys inside");
      }
    }
  }

  private void readKey(SettingKey key, ConfigValue value) {
    if (key.kind() == ValueKind.PROPERTIES) {
      readProperties(key, value);
      return;
    }
    Optional<String> text = scalar(value);
    Optional<Object> parsed = text.flatMap(key::parse);
    if (parsed.isPresent()) {
      values.put(key.path(), key.optional() ? parsed : parsed.get(), Place.of(value));
    } else {
      bad(key.path(), value, "must be " + key.limits(), key.remedy(text.orElse("")));
    }
  }

  private void readProperties(SettingKey key, ConfigValue value) {
    if (!(value instanceof ConfigObject object)) {
      bad(
          key.path(),
          value,
          "must be " + key.kind().words(),
          "write properties { \"spark.sql.shuffle.partitions\" = 64 }");
      return;
    }
    Map<String, String> properties = new TreeMap<>();
    flatten("", object, properties);
    values.put(key.path(), properties, Place.of(value));
  }

  /** Quoted names come last and win: that is how --set writes them. */
  private void flatten(String prefix, ConfigObject object, Map<String, String> properties) {
    object.keySet().stream()
        .sorted(Comparator.comparing((String name) -> name.contains(".")))
        .forEach(
            name -> {
              ConfigValue value = at(object, name);
              String property = prefix + name;
              String path = Schema.PROPERTIES + "." + property;
              if (value instanceof ConfigObject inner) {
                flatten(property + ".", inner, properties);
              } else if (value.valueType() == ConfigValueType.NULL) {
                properties.remove(property);
              } else if (scalar(value).isPresent()) {
                properties.put(property, scalar(value).get());
                values.putPlace(path, Place.of(value));
              } else {
                bad(path, value, "must be one value", "write the list as text: \"a,b\"");
              }
            });
  }

  private void unknown(String path, ConfigValue value) {
    Optional<String> meant =
        problems.size() < GUESSED ? Spelling.closestPath(path) : Optional.empty();
    if (meant.isEmpty() && value instanceof ConfigObject object && !object.isEmpty()) {
      // Not a group we know by another name: its keys may still belong elsewhere.
      object.keySet().stream()
          .sorted()
          .forEach(name -> unknown(path + "." + name, at(object, name)));
      return;
    }
    meant.ifPresent(values::markBad);
    problems.add(
        place(path, value)
            .problem(
                path,
                shown(value),
                "unknown key",
                meant
                    .map(known -> "did you mean " + known + "?")
                    .orElse("remove it; docs/configuration.md lists the keys")));
  }

  private void bad(String path, ConfigValue value, String limit, String remedy) {
    values.markBad(path);
    problems.add(place(path, value).problem(path, shown(value), limit, remedy));
  }

  /** Where a value stands or, if a substitution lost track of that, where its group does. */
  private Place place(String path, ConfigValue value) {
    Place place = Place.of(value);
    return place.equals(Place.NOWHERE) ? values.place(path) : place;
  }

  private static ConfigValue at(ConfigObject object, String name) {
    ConfigValue value = object.get(name);
    if (value == null) {
      throw new IllegalStateException("no " + name);
    }
    return value;
  }

  /** The text of a number, flag or string as it was written. */
  private static Optional<String> scalar(ConfigValue value) {
    return switch (value.valueType()) {
      case STRING, NUMBER, BOOLEAN -> Optional.of(value.atKey("value").getString("value"));
      case OBJECT, LIST, NULL -> Optional.empty();
    };
  }

  private static String shown(ConfigValue value) {
    if (scalar(value).filter(HoconSource::isUndefined).isPresent()) {
      return "${...}";
    }
    return scalar(value).orElseGet(() -> shortened(value.render(ConfigRenderOptions.concise())));
  }

  private static String shortened(String text) {
    return text.length() <= 60 ? text : text.substring(0, 57) + "...";
  }
}
