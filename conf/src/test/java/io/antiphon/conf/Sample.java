package io.antiphon.conf;

import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.util.List;

/** A small complete file to vary, and what reading a variation reports. */
final class Sample {
  static final String FILE =
      """
      model {
        layers = 4
        hidden = 64
        attention-heads = 8
        key-value-heads = 2
        sequence-length = 32
      }
      moe {
        experts = 12
        top-k = 2
        expert-ffn = 96
      }
      data.text = "corpus/*.txt"
      optimizer.learning-rate = 1e-3
      schedule {
        steps = 100
        warmup-steps = 10
        global-batch = 48
        micro-batch = 2
      }
      parallelism.ranks = 4
      """;

  private Sample() {}

  /** The settings of the file with some keys changed. */
  static Settings with(String... overrides) {
    return SettingsReader.source("a.conf", FILE, List.of(overrides));
  }

  /** The problems of the file with some keys changed. */
  static List<Problem> problemsWith(String... overrides) {
    return problemsOf(FILE, overrides);
  }

  /** The problems of a text. */
  static List<Problem> problemsOf(String text, String... overrides) {
    return catchThrowableOfType(
            ConfigException.class, () -> SettingsReader.source("a.conf", text, List.of(overrides)))
        .problems();
  }

  /** The only problem of the file with some keys changed. */
  static Problem problemWith(String... overrides) {
    return only(problemsWith(overrides));
  }

  /** The only problem of the file followed by more lines, the first of which is line 22. */
  static Problem problemOfFileAnd(String lines) {
    return only(problemsOf(FILE + lines));
  }

  static Problem only(List<Problem> problems) {
    if (problems.size() != 1) {
      throw new AssertionError("expected one problem, got " + new ConfigException(problems));
    }
    return problems.get(0);
  }
}
