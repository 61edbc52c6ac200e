package io.antiphon.submit;

import io.antiphon.conf.Presets;
import io.antiphon.conf.Settings;
import io.antiphon.conf.SettingsReader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/** Where the settings of a command come from: a preset or a file, with single keys overridden. */
final class SettingsOptions {
  /** One of the two. */
  static final class Source {
    @Option(
        names = "--preset",
        paramLabel = "NAME",
        description = "Settings shipped with Antiphon: ${COMPLETION-CANDIDATES}.",
        completionCandidates = PresetNames.class)
    @Nullable String preset;

    @Option(
        names = "--config",
        paramLabel = "FILE",
        description = "Settings from a HOCON file; see docs/configuration.md.")
    @Nullable Path file;

    /** The settings with {@code overrides}. */
    Settings read(List<String> overrides) {
      if (preset != null) {
        return SettingsReader.preset(preset, overrides);
      }
      if (file != null) {
        return SettingsReader.file(file, overrides);
      }
      throw new IllegalStateException("neither a preset nor a file was given");
    }
  }

  /** Names of the presets, for the help text. */
  static final class PresetNames extends ArrayList<String> {
    PresetNames() {
      super(Presets.names());
    }
  }

  @ArgGroup(exclusive = true, multiplicity = "1")
  Source source = new Source();

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "Overrides one key, such as moe.echo.slots-per-rank=2; may be repeated.")
  List<String> overrides = new ArrayList<>();

  /** The settings, with {@code more} overrides after those of the command line. */
  Settings read(List<String> more) {
    List<String> all = new ArrayList<>(overrides);
    all.addAll(more);
    return source.read(all);
  }
}
