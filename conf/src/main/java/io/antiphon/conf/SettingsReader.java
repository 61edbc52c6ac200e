package io.antiphon.conf;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigObject;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Reads settings from HOCON. Overrides replace what the text says, then defaults fill the gaps,
 * then the rules across keys are checked; whatever is wrong on the way is reported together.
 */
public final class SettingsReader {
  private final List<Problem> problems = new ArrayList<>();
  private final Values values = new Values();
  private final boolean selfContained;

  private SettingsReader(boolean selfContained) {
    this.selfContained = selfContained;
  }

  /**
   * Reads a file.
   *
   * @param overrides assignments {@code key=value}, as {@code --set} takes them; {@code key=null}
   *     returns a key to its default
   * @throws ConfigException if the file cannot be used, with every reason
   */
  public static Settings file(Path file, List<String> overrides) {
    String text;
    try {
      text = SettingsFile.text(file);
    } catch (IOException e) {
      throw new ConfigException(List.of(unreadable(file, e)));
    }
    Path directory = file.toAbsolutePath().getParent();
    return new SettingsReader(false)
        .read(file.toString(), text, directory == null ? file : directory, overrides);
  }

  /**
   * Reads a file that {@link SettingsWriter#write} wrote. Since a run may come from anybody, it can
   * neither include a file nor read the environment.
   *
   * @throws ConfigException as {@link #file}
   */
  public static Settings kept(Path file) {
    try {
      String text = SettingsFile.text(file, HoconBudget.KEPT_CHARS);
      return text(file.toString(), text, List.of());
    } catch (IOException e) {
      throw new ConfigException(List.of(unreadable(file, e)));
    }
  }

  /**
   * Reads a preset.
   *
   * @param name one of {@link Presets#names()}
   * @param overrides as for {@link #file}
   * @throws ConfigException if there is no such preset or the overrides do not fit, with every
   *     reason
   */
  public static Settings preset(String name, List<String> overrides) {
    return source("preset " + name, Presets.text(name), overrides);
  }

  /**
   * Reads a text, such as what {@link SettingsWriter#render} wrote. It can neither include a file
   * nor read the environment, since the checkpoint that keeps it may be anybody's.
   *
   * @param label what messages call the text
   * @param overrides as for {@link #file}
   * @throws ConfigException if the text cannot be used, with every reason
   */
  public static Settings text(String label, String text, List<String> overrides) {
    return new SettingsReader(true).read(label, text, Path.of(""), overrides);
  }

  /** Reads a text as the user's own file. */
  static Settings source(String label, String text, List<String> overrides) {
    return new SettingsReader(false).read(label, text, Path.of(""), overrides);
  }

  private Settings read(String label, String text, Path directory, List<String> overrides) {
    return guarded(label, () -> readWithin(label, text, directory, overrides));
  }

  /**
   * What a reading gives.
   *
   * @throws ConfigException also if it exhausts stack or heap, which no count foresaw
   */
  static <T> T guarded(String label, Supplier<T> reading) {
    try {
      return reading.get();
    } catch (StackOverflowError | OutOfMemoryError e) {
      throw new ConfigException(
          List.of(
              new Problem(
                  label,
                  0,
                  "",
                  "",
                  "cannot be read: its values take in each other too often or too deeply ("
                      + e.getClass().getSimpleName()
                      + ")",
                  "write the values themselves in place of ${...} and +=")));
    }
  }

  private Settings readWithin(String label, String text, Path directory, List<String> overrides) {
    Overrides assigned = Overrides.parse(overrides, values, problems);
    HoconSource source =
        new HoconSource(
            problems, selfContained, selfContained ? HoconBudget.kept() : HoconBudget.written());
    Config written = source.parse(label, text, new Includes(source, label, text, directory));
    ConfigObject resolved = source.resolve(label, assigned.over(written));
    new GroupReader(values, problems).read(Schema.ROOT, resolved);
    if (values.place("").file().isEmpty()) {
      values.putPlace("", new Place(label, 0));
    }
    addDefaults();
    addDerived();
    if (source.complete()) {
      reportMissing();
      Rule.violations(values).forEach(problems::add);
    }
    if (!problems.isEmpty()) {
      throw new ConfigException(inOrder(label));
    }
    return (Settings) Schema.ROOT.build(key -> values.component(key.path()));
  }

  private void addDefaults() {
    for (SettingKey key : Schema.KEYS.values()) {
      if (values.known(List.of(key.path())) || values.isBad(key.path())) {
        continue;
      }
      if (key.optional()) {
        values.putUnwritten(key.path(), Optional.empty(), "");
      } else if (key.kind() == ValueKind.PROPERTIES) {
        values.putUnwritten(key.path(), Map.of(), "");
      } else if (!key.key().byDefault().isEmpty()) {
        values.putUnwritten(key.path(), key.parse(key.key().byDefault()).orElseThrow(), "default");
      }
    }
  }

  private void addDerived() {
    for (SettingKey key : Schema.KEYS.values()) {
      if (key.key().derived().isEmpty()
          || values.known(List.of(key.path()))
          || values.isBad(key.path())) {
        continue;
      }
      Derivation derivation = Derivation.of(key);
      if (values.known(derivation.keys())) {
        derivation.apply(values).ifPresent(finding -> problems.add(finding.problem(values)));
      }
    }
  }

  private void reportMissing() {
    for (SettingKey key : Schema.KEYS.values()) {
      if (key.required() && !values.isBad(key.path()) && !values.known(List.of(key.path()))) {
        problems.add(
            values
                .place(key.path())
                .problem(
                    key.path(),
                    "(missing)",
                    "required: " + key.limits(),
                    Rule.set(key.path(), key.sample()) + ", for example"));
      }
    }
  }

  /** The file itself first, then what it includes, then overrides; lines in order. */
  private List<Problem> inOrder(String label) {
    Redaction redaction =
        Redaction.of(values.known(List.of(Schema.PROPERTIES)) ? values.properties() : Map.of());
    return problems.stream()
        .map(redaction::of)
        .distinct()
        .sorted(
            Comparator.comparing((Problem problem) -> !problem.file().equals(label))
                .thenComparing(problem -> new Place(problem.file(), 0).isOverride())
                .thenComparing(Problem::file)
                .thenComparing(Problem::line))
        .toList();
  }

  private static Problem unreadable(Path file, IOException e) {
    String reason;
    if (e instanceof NoSuchFileException) {
      reason = "there is no such file";
    } else if (e instanceof CharacterCodingException) {
      reason = "must be text in UTF-8";
    } else if (Files.isDirectory(file)) {
      reason = "must be a file, not a directory";
    } else {
      reason = "cannot be read: " + e.getMessage();
    }
    return new Problem(
        file.toString(),
        0,
        "",
        "",
        reason,
        "give the path of a settings file, or take a preset: "
            + String.join(", ", Presets.names()));
  }
}
