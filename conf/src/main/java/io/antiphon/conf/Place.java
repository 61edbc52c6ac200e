package io.antiphon.conf;

import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigOrigin;
import com.typesafe.config.ConfigValue;
import java.util.Comparator;

/**
 * Where a value was written.
 *
 * @param file a file, "preset NAME" or "--set KEY=VALUE"; empty for {@link #NOWHERE}
 * @param line line in it, from 1; 0 if there is none
 */
record Place(String file, int line) {
  /** The place of a default. */
  static final Place NOWHERE = new Place("", 0);

  private static final String MERGED = "merge of "; // how the HOCON library calls several origins

  /** The place of a value; of an object spread over several files, that of its first key. */
  static Place of(ConfigValue value) {
    if (value instanceof ConfigObject object && isMerged(value)) {
      return object.values().stream()
          .filter(child -> !isMerged(child))
          .map(Place::of)
          .filter(place -> place.line() > 0)
          .min(Comparator.comparing(Place::line))
          .orElse(NOWHERE);
    }
    return of(value.origin());
  }

  /** The place an origin of the HOCON library names. */
  static Place of(ConfigOrigin origin) {
    if (origin.lineNumber() <= 0) {
      // Otherwise the library made the value up: the group around an override, for example.
      boolean override = origin.description().startsWith(Problem.OVERRIDE);
      return override ? new Place(origin.description(), 0) : NOWHERE;
    }
    return new Place(
        origin.description().replaceFirst(": [0-9]+(-[0-9]+)?$", ""), origin.lineNumber());
  }

  /** A problem here. */
  Problem problem(String key, String value, String limit, String remedy) {
    return new Problem(file, line, key, value, limit, remedy);
  }

  /** Whether it is a --set. */
  boolean isOverride() {
    return file.startsWith(Problem.OVERRIDE);
  }

  private static boolean isMerged(ConfigValue value) {
    return value.origin().description().startsWith(MERGED);
  }
}
