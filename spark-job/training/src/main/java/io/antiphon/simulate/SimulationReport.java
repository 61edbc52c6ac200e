package io.antiphon.simulate;

import io.antiphon.monitor.HtmlPage;
import java.nio.file.Path;
import java.util.List;

/** A comparison as a self-contained HTML page with plots. */
public final class SimulationReport {
  private static final HtmlPage PAGE =
      new HtmlPage("simulation.html", List.of("distribution.js", "simulation.js"));

  private SimulationReport() {}

  /**
   * Writes the page.
   *
   * @throws java.io.UncheckedIOException if the file cannot be written
   */
  public static void write(Path file, SimulationResult result, Recommendation advice) {
    PAGE.write(file, "Simulation", out -> SimulationJson.write(result, advice, true, out));
  }
}
