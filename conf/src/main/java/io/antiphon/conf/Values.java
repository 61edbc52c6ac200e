package io.antiphon.conf;

import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The values known so far, by path, with where each was written. While a file is read some may be
 * missing or bad; a caller that needs one of those asks {@link #known} first.
 */
final class Values {
  private static final String PROPERTY = Schema.PROPERTIES + ".";

  private final Map<String, Object> values = new LinkedHashMap<>();
  private final Map<String, Place> places = new HashMap<>();
  private final Map<String, String> notes = new HashMap<>();
  private final Set<String> bad = new HashSet<>();

  /** The values of complete settings. */
  static Values of(Settings settings) {
    Values all = new Values();
    all.addAll(Schema.ROOT, Schema.ROOT.components(settings));
    return all;
  }

  /** The values of a record that is being built, from its components. */
  static Values of(Class<?> record, Object... components) {
    Values all = new Values();
    all.addAll(Schema.group(record), Arrays.asList(components));
    return all;
  }

  private void addAll(Group group, List<Object> components) {
    for (int i = 0; i < components.size(); i++) {
      Node child = group.children().get(i);
      if (child instanceof Group inner) {
        addAll(inner, inner.components((Record) components.get(i)));
      } else {
        values.put(child.path(), components.get(i));
      }
    }
  }

  /** Adds the value of a key, as its record component will hold it. */
  void put(String path, Object value, Place place) {
    values.put(path, value);
    places.put(path, place);
  }

  /** Adds a value nobody wrote; the note says where it comes from. */
  void putUnwritten(String path, Object value, String note) {
    values.put(path, value);
    notes.put(path, note);
  }

  /** Remembers where a group or a single Spark property was written. */
  void putPlace(String path, Place place) {
    places.put(path, place);
  }

  /** Marks a key, or all keys of a group, as bad: its problem is already reported. */
  void markBad(String path) {
    bad.add(path);
  }

  /** Whether a key, or a group around it, was marked as bad. */
  boolean isBad(String path) {
    return Stream.iterate(path, at -> !at.isEmpty(), Values::parent).anyMatch(bad::contains);
  }

  /** Whether all these keys have good values. */
  boolean known(List<String> paths) {
    return paths.stream().allMatch(path -> values.containsKey(path) && !isBad(path));
  }

  /** The component of a key; it must be known. */
  Object component(String path) {
    Object value = values.get(path);
    if (value == null) {
      throw new IllegalStateException("no value of " + path);
    }
    return value;
  }

  /** A whole number or, rounded down, any other. */
  long whole(String path) {
    return ((Number) component(path)).longValue();
  }

  /** Any number. */
  double number(String path) {
    return ((Number) component(path)).doubleValue();
  }

  /** A flag. */
  boolean flag(String path) {
    return (Boolean) component(path);
  }

  /** The text of a key; empty for an absent optional one. */
  Optional<String> text(String path) {
    SettingKey key = Schema.key(path);
    return key.present(component(path)).map(key.kind()::show);
  }

  /** Spark's own keys. */
  Map<String, String> properties() {
    Map<String, String> properties = new LinkedHashMap<>();
    ((Map<?, ?>) component(Schema.PROPERTIES))
        .forEach((name, value) -> properties.put((String) name, (String) value));
    return properties;
  }

  /** Where a key was written: itself or, for one nobody wrote, the nearest group around it. */
  Place place(String path) {
    return Stream.iterate(path, Values::parent)
        .limit(path.length() + 1L)
        .map(at -> places.getOrDefault(at, Place.NOWHERE))
        .filter(place -> !place.file().isEmpty())
        .findFirst()
        .orElse(Place.NOWHERE);
  }

  /** The value for a message, with a word on its source if nobody wrote it. */
  String show(String path) {
    if (path.startsWith(PROPERTY)) {
      return String.valueOf(properties().get(path.substring(PROPERTY.length())));
    }
    String note = notes.getOrDefault(path, "");
    return Schema.key(path).show(component(path)) + (note.isEmpty() ? "" : " (" + note + ")");
  }

  private static String parent(String path) {
    return path.substring(0, Math.max(0, path.lastIndexOf('.')));
  }
}
