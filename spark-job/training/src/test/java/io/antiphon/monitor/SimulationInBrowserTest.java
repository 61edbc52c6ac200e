package io.antiphon.monitor;

import static org.assertj.core.api.Assertions.assertThat;

import io.antiphon.plan.BalanceOptions;
import io.antiphon.simulate.CostFile;
import io.antiphon.simulate.CostModel;
import io.antiphon.simulate.Recommendation;
import io.antiphon.simulate.SampleSource;
import io.antiphon.simulate.Simulation;
import io.antiphon.simulate.SimulationOptions;
import io.antiphon.simulate.SimulationReport;
import io.antiphon.simulate.SimulationResult;
import io.antiphon.simulate.SyntheticWorkload;
import io.antiphon.simulate.WorkloadKind;
import io.antiphon.simulate.WorkloadOptions;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Opens the simulation report in a real browser. */
final class SimulationInBrowserTest extends BrowserTest {

  private final Path report;

  SimulationInBrowserTest(@TempDir Path directory) {
    this.report = directory.resolve("simulation.html");
  }

  private Chromium open(WorkloadKind kind, List<Integer> slots, int width, boolean dark)
      throws Exception {
    WorkloadOptions sizes = new WorkloadOptions(8, 32, 2, 4096, 2, 40, 1, 0.9, 10, 8);
    SimulationOptions options =
        new SimulationOptions(
            SimulationOptions.contenderNames(),
            slots,
            BalanceOptions.EXACT.withRanksPerNode(4),
            new CostModel.ExpertSize(1024, 512),
            CostFile.defaults(),
            10,
            10,
            2);
    try (SampleSource source = new SyntheticWorkload(kind, sizes)) {
      SimulationResult result = new Simulation(options, source).run(done -> {});
      SimulationReport.write(report, result, Recommendation.of(result));
    }
    return open(report, width, dark);
  }

  @Test
  void drawsEveryChartWithoutErrorAndWithoutNetwork() throws Exception {
    Chromium page = open(WorkloadKind.W6, List.of(1, 2), 1360, false);
    List<Plot> plots = plots(page);
    assertThat(plots).allMatch(plot -> plot.colours() > 10);
    assertThat(plots)
        .extracting(Plot::label)
        .containsExactly(
            "Busiest rank over the steps",
            "Distribution of the load over ranks",
            "Clones over the steps",
            "Time of a layer",
            "Token capacity",
            "Weights and gradients on the wire",
            "Rows on the wire");
    page.screenshot(PICTURES.resolve("simulation.png"));
    assertThat(page.complaints()).isEmpty();
    assertThat(page.requests()).containsExactly(report.toUri().toString());
  }

  @Test
  void otherSlotsRedrawTheBalanceOnly() throws Exception {
    Chromium page = open(WorkloadKind.W6, List.of(1, 2), 1360, false);
    List<Plot> before = plots(page);
    int shown = page.evaluate("document.querySelector('#slots').selectedIndex").asInt();
    select(page, "#slots", 1 - shown);
    List<Plot> after = plots(page);
    for (int i = 0; i < before.size(); i++) {
      boolean same = before.get(i).picture().equals(after.get(i).picture());
      assertThat(same).as(before.get(i).label()).isEqualTo(i >= 3);
    }
    assertThat(page.complaints()).isEmpty();
  }

  @Test
  void fitsANarrowScreenInTheDark() throws Exception {
    Chromium page = open(WorkloadKind.W0, List.of(1), 390, true);
    assertThat(page.evaluate("document.documentElement.scrollWidth").asInt()).isEqualTo(390);
    assertThat(page.evaluate("document.documentElement.dataset.theme").asText()).isEqualTo("dark");
    page.screenshot(PICTURES.resolve("simulation-narrow.png"));
    assertThat(page.complaints()).isEmpty();
  }
}
