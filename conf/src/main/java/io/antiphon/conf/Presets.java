package io.antiphon.conf;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

/** Complete settings shipped with Antiphon, to run as they are or to start from. */
public final class Presets {
  static final String DIRECTORY = "io/antiphon/conf/presets/";
  static final String SUFFIX = ".conf";

  private static final List<String> NAMES =
      List.of(
          "moe-1b",
          "quickstart",
          "quickstart-no-attention",
          "quickstart-no-echo",
          "quickstart-no-experts");

  private Presets() {}

  /** The names of all presets, in alphabetical order. */
  public static List<String> names() {
    return NAMES;
  }

  /**
   * The HOCON text of a preset, with its comments.
   *
   * @throws ConfigException if there is no preset of this name
   */
  public static String text(String name) {
    if (!NAMES.contains(name)) {
      throw new ConfigException(List.of(unknown(name)));
    }
    return resource(DIRECTORY + name + SUFFIX)
        .orElseThrow(() -> new IllegalStateException("preset " + name + " was not packaged"));
  }

  /** What a preset is for, in one line: the first comment of its text. */
  public static String summary(String name) {
    return text(name).lines().findFirst().orElseThrow().replaceFirst("^# *", "");
  }

  static Problem unknown(String name) {
    return new Problem(
        "preset " + name,
        0,
        "",
        "",
        "there is no preset of this name",
        Spelling.closest(name, NAMES)
            .map(closest -> "did you mean " + closest + "?")
            .orElse("take one of " + String.join(", ", NAMES)));
  }

  /** The text of a class path resource, if there is one. */
  static Optional<String> resource(String path) {
    try (InputStream stream = Presets.class.getClassLoader().getResourceAsStream(path)) {
      return stream == null
          ? Optional.empty()
          : Optional.of(new String(stream.readAllBytes(), StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
