package io.antiphon.monitor;

import io.antiphon.train.report.RunSummary;
import java.nio.file.Path;
import java.util.List;

/** Writes {@code report.html}. */
final class Report {

  private static final HtmlPage PAGE =
      new HtmlPage("report.html", List.of("loads.js", "report.js"));

  private Report() {}

  static void write(Path file, String title, RunSummary summary, ReportData data) {
    PAGE.write(file, title, out -> data.write(summary, out));
  }
}
