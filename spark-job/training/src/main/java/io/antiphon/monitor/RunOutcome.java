package io.antiphon.monitor;

import com.fasterxml.jackson.databind.JsonNode;
import io.antiphon.train.report.RunSummary;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;

/** How the last attempt at a run ended, as its directory tells. */
public final class RunOutcome {
  private RunOutcome() {}

  /** What {@code summary.json} says; empty if there is none, or it is not readable. */
  public static Optional<RunSummary.Outcome> of(Path runDirectory) {
    try {
      JsonNode summary = Json.MAPPER.readTree(runDirectory.resolve("summary.json").toFile());
      String word = summary.path("outcome").asText();
      return Arrays.stream(RunSummary.Outcome.values())
          .filter(outcome -> MetricsLine.word(outcome).equals(word))
          .findFirst();
    } catch (IOException e) {
      return Optional.empty();
    }
  }
}
