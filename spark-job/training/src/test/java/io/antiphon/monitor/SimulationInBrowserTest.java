package io.antiphon.monitor;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
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
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Opens the simulation report in a real browser, where there is one. */
final class SimulationInBrowserTest {
  private static final Path PICTURES = Path.of("target", "report-pictures");

  private static @Nullable Chromium browser;

  private final Path report;

  SimulationInBrowserTest(@TempDir Path directory) {
    this.report = directory.resolve("simulation.html");
  }

  @BeforeAll
  static void startBrowser(@TempDir Path profile) throws Exception {
    Optional<Path> program = Chromium.find();
    if (program.isEmpty()) {
      String message =
          "NOT RUN: SimulationInBrowserTest needs Chromium (Debian package chromium) on the PATH";
      System.out.println(message);
      Assumptions.abort(message);
    }
    browser = Chromium.start(program.orElseThrow(), profile);
  }

  @AfterAll
  static void closeBrowser() {
    if (browser != null) {
      browser.close();
    }
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
    Chromium page = Objects.requireNonNull(browser);
    page.newPage();
    page.show(width, 900, dark);
    page.open(report.toUri());
    page.settle();
    return page;
  }

  @Test
  void drawsEveryChartWithoutErrorAndWithoutNetwork() throws Exception {
    Chromium page = open(WorkloadKind.W6, List.of(1, 2), 1360, false);
    List<String> labels = new ArrayList<>();
    for (JsonNode canvas : page.evaluate(ReportInBrowserTest.PLOTS)) {
      labels.add(canvas.get("label").asText());
      assertThat(canvas.get("colours").asInt()).as(canvas.get("label").asText()).isGreaterThan(10);
    }
    assertThat(labels)
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
    JsonNode before = page.evaluate(ReportInBrowserTest.PLOTS);
    page.evaluate(
        """
        (() => {
          const select = document.querySelector('#slots');
          select.selectedIndex = 1 - select.selectedIndex;
          select.dispatchEvent(new Event('change'));
        })()
        """);
    page.settle();
    JsonNode after = page.evaluate(ReportInBrowserTest.PLOTS);
    for (int i = 0; i < before.size(); i++) {
      boolean same = before.get(i).get("picture").equals(after.get(i).get("picture"));
      assertThat(same).as(before.get(i).get("label").asText()).isEqualTo(i >= 3);
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
