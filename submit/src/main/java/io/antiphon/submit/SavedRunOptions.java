package io.antiphon.submit;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which checkpoint a command reads, and which of its settings it replaces. */
final class SavedRunOptions {
  @Option(
      names = "--run-dir",
      required = true,
      paramLabel = "DIR",
      description = "Directory of the run.")
  Path runDirectory = Path.of(".");

  @Option(
      names = "--step",
      paramLabel = "N",
      description = "Step of the checkpoint. Default: the newest.")
  @Nullable Long step;

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "Overrides one key of the run's settings; may be repeated.")
  List<String> overrides = new ArrayList<>();

  OptionalLong step() {
    return step == null ? OptionalLong.empty() : OptionalLong.of(step);
  }
}
