package io.antiphon.conf;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The tree of all keys, read once from the records. */
final class Schema {
  /** The tree. */
  static final Group ROOT = Group.of("", Settings.class, "The run itself");

  /** Every key by its path, in the order of the records. */
  static final Map<String, SettingKey> KEYS = byPath(ROOT.keys());

  /** Every group by its path, the root under the empty one. */
  static final Map<String, Group> GROUPS = byPath(ROOT.groups());

  /** The free-form group of Spark's own keys. */
  static final String PROPERTIES = "spark.properties";

  private Schema() {}

  /** The key at a path that must exist. */
  static SettingKey key(String path) {
    SettingKey key = KEYS.get(path);
    if (key == null) {
      throw new IllegalArgumentException("no key " + path);
    }
    return key;
  }

  /** The group of a record. */
  static Group group(Class<?> record) {
    return ROOT.groups()
        .filter(group -> group.type() == record)
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("no group of " + record));
  }

  private static <T extends Node> Map<String, T> byPath(Stream<T> nodes) {
    return Collections.unmodifiableMap(
        nodes.collect(
            Collectors.toMap(
                Node::path, Function.identity(), (first, second) -> first, LinkedHashMap::new)));
  }
}
