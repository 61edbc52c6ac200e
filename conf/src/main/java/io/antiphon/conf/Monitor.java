package io.antiphon.conf;

import java.util.Optional;

/**
 * What is shown and logged.
 *
 * <p>Components: see {@code docs/configuration.md}, section {@code monitor}.
 */
public record Monitor(
    @Key(
            doc = "Updates between two lines of the log",
            megatron = "--log-interval",
            byDefault = "10",
            min = 1,
            unit = "steps",
            resume = Resume.FREE)
        long logEvery,
    @Key(
            doc = "Whether the run ends with a `report.html`",
            byDefault = "true",
            resume = Resume.FREE)
        boolean report,
    @Key(
            doc = "What the terminal shows; `auto`: a bar on a terminal, lines elsewhere",
            byDefault = "auto",
            resume = Resume.FREE)
        Progress progress,
    @Key(
            doc =
                "Directory that gets the assignment counts of every step, layer and micro-batch as"
                    + " Parquet; all executors must reach it",
            absent = "nothing is recorded",
            resume = Resume.FREE)
        Optional<String> recordRouting) {

  /** Checks the limits of every key. */
  public Monitor {
    Limits.require(Monitor.class, logEvery, report, progress, recordRouting);
  }

  /** How a run shows its progress. */
  public enum Progress {
    /** A bar on a terminal, lines elsewhere. */
    AUTO,
    /** One line that is redrawn. */
    BAR,
    /** One line per {@code log-every} updates. */
    LINES,
    /** Nothing is shown. */
    NONE
  }
}
