package io.antiphon.conf;

import java.util.List;
import java.util.stream.Collectors;

/** Checks of settings that are built in code: a violation is a bug, not a user's error. */
final class Limits {
  private Limits() {}

  /**
   * Checks the components of a record against their annotations and, for {@link Settings}, the
   * rules across all keys.
   *
   * @throws IllegalArgumentException if one does not hold
   */
  static void require(Class<?> record, Object... components) {
    Values values = Values.of(record, components);
    Schema.group(record).ownKeys().forEach(key -> require(key, values.component(key.path())));
    if (record == Settings.class) {
      List<Problem> problems = Rule.violations(values).toList();
      if (!problems.isEmpty()) {
        throw new IllegalArgumentException(
            problems.stream()
                .map(problem -> problem.key() + " = " + problem.value() + " " + problem.limit())
                .collect(Collectors.joining("; ")));
      }
    }
  }

  private static void require(SettingKey key, Object component) {
    if (key.present(component).filter(value -> !key.allows(value)).isPresent()) {
      throw new IllegalArgumentException(
          key.path() + " must be " + key.limits() + ", was " + key.show(component));
    }
  }
}
