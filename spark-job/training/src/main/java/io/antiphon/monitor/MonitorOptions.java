package io.antiphon.monitor;

import java.nio.file.Path;

/**
 * What to record of a run and where.
 *
 * @param runDirectory local directory of {@code metrics.jsonl}, {@code summary.json} and {@code
 *     report.html}; made if it does not exist
 * @param logEvery steps between two progress lines, where progress is shown as lines
 * @param report whether to write {@code report.html}
 * @param reportEvery steps between two refreshes of the report; it is always written at the end
 * @param progress how to show progress
 */
public record MonitorOptions(
    Path runDirectory, long logEvery, boolean report, long reportEvery, ProgressStyle progress) {
  public MonitorOptions {
    if (logEvery < 1 || reportEvery < 1) {
      throw new IllegalArgumentException(
          "logEvery and reportEvery must be >= 1, were " + logEvery + " and " + reportEvery);
    }
  }
}
