package io.antiphon.monitor;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.antiphon.train.report.RunEvent;
import io.antiphon.train.report.RunSummary;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Opens reports in a real browser. */
final class ReportInBrowserTest extends BrowserTest {

  private final Path directory;

  ReportInBrowserTest(@TempDir Path directory) {
    this.directory = directory;
  }

  private Chromium open(SyntheticRun run, int width, boolean dark) throws Exception {
    writeReport(run);
    return open(width, dark);
  }

  private Chromium open(int width, boolean dark) throws Exception {
    return open(directory.resolve("report.html"), width, dark);
  }

  private void writeReport(SyntheticRun run) {
    MonitorOptions options = new MonitorOptions(directory, 10, true, 1_000_000, ProgressStyle.NONE);
    try (RunMonitor monitor = RunMonitor.of(options, TestTerminal.plain().terminal())) {
      monitor.started(run.info(0));
      run.report(monitor, 0, run.steps());
      monitor.finished(RunSummary.Outcome.COMPLETED, "");
    }
  }

  @Test
  void drawsEveryChartWithoutErrorAndWithoutNetwork() throws Exception {
    Chromium page = open(new SyntheticRun(4, 8, 2, 400), 1360, false);
    List<Plot> plots = plots(page);
    assertThat(plots).allMatch(plot -> plot.colours() > 10);
    assertThat(plots)
        .extracting(Plot::label)
        .containsExactly(
            "Loss",
            "Throughput",
            "Gradient norm",
            "Learning rate",
            "Load of the busiest rank",
            "Layers before ECHO",
            "Layers after ECHO",
            "Clones per step",
            "Fill of the row buffers",
            "Load per rank before and after ECHO",
            "Busiest rank of this layer",
            "Spread of the experts",
            "Load of every expert over the steps");
    assertThat(page.evaluate("document.querySelector('#outcome').textContent").asText())
        .isEqualTo("completed");
    page.screenshot(PICTURES.resolve("light-wide.png"));
    assertThat(page.complaints()).isEmpty();
    assertThat(page.requests())
        .containsExactly(directory.resolve("report.html").toUri().toString());
  }

  @Test
  void selectingAnotherLayerRedrawsItsPlotsOnly() throws Exception {
    Chromium page = open(new SyntheticRun(4, 8, 2, 120), 1360, false);
    List<Plot> before = plots(page);
    select(page, "#layer", 1);
    List<Plot> after = plots(page);
    for (int i = 0; i < before.size(); i++) {
      boolean same = before.get(i).picture().equals(after.get(i).picture());
      assertThat(same).as(before.get(i).label()).isEqualTo(i < 9);
    }
    assertThat(page.complaints()).isEmpty();
  }

  @Test
  void theSliderMovesThroughTheStepsOfALayer() throws Exception {
    Chromium page = open(new SyntheticRun(4, 8, 2, 120), 1360, false);
    assertThat(page.evaluate("document.querySelector('.slider output').value").asText())
        .isEqualTo("step 120");
    page.evaluate(
        """
        (() => {
          const slider = document.querySelector('#bucket');
          slider.value = 9;
          slider.dispatchEvent(new Event('input'));
        })()
        """);
    assertThat(page.evaluate("document.querySelector('.slider output').value").asText())
        .isEqualTo("step 10");
    assertThat(page.complaints()).isEmpty();
  }

  @Test
  void thePointerReadsValuesAndADragZooms() throws Exception {
    Chromium page = open(new SyntheticRun(4, 8, 2, 120), 1360, true);
    JsonNode box =
        page.evaluate(
            """
            (() => {
              const plot = document.querySelector('.plot');
              plot.scrollIntoView({block: 'center'});
              const box = plot.getBoundingClientRect();
              return {x: box.left, y: box.top, width: box.width, height: box.height};
            })()
            """);
    double left = box.get("x").asDouble();
    double width = box.get("width").asDouble();
    double y = box.get("y").asDouble() + box.get("height").asDouble() / 2;
    page.mouse("mouseMoved", left + width / 2, y);
    page.settle();
    String tooltip =
        page.evaluate("document.querySelector('.tooltip:not([hidden])').textContent").asText();
    assertThat(tooltip).contains("step 5", "training", "bigram model2.0200 nats/byte");

    String cursors =
        page.evaluate(
                "[...new Set(redrawn.filter((c) => c.plot)"
                    + ".map((c) => c.nearestStep(c.plot, c.plot.cursor.left)))].join()")
            .asText();
    assertThat(tooltip).as("all charts show one step").startsWith("step " + cursors);
    select(page, "#layer", 1); // its charts are new, and must not have taken the pointer away
    assertThat(
            page.evaluate("document.querySelector('.tooltip:not([hidden])') !== null").asBoolean())
        .isTrue();

    // Last, because it may resize the page under the pointer.
    page.screenshot(PICTURES.resolve("tooltip.png"));

    page.mouse("mousePressed", left + width / 4, y);
    page.mouse("mouseMoved", left + width / 2, y);
    page.mouse("mouseReleased", left + width / 2, y);
    page.settle();
    assertThat(page.evaluate("document.querySelector('#reset-zoom').hidden").asBoolean()).isFalse();
    assertThat(page.evaluate("timeline.to - timeline.from").asDouble()).isBetween(25., 35.);
    assertThat(
            page.evaluate(
                    "redrawn.filter((c) => c.plot).every((c) => c.plot.scales.x.min ==="
                        + " timeline.from && c.plot.scales.x.max === timeline.to)")
                .asBoolean())
        .isTrue();
    page.doubleClick(left + width / 2, y);
    page.settle();
    assertThat(page.evaluate("timeline.zoomed").asBoolean()).isFalse();
    assertThat(page.complaints()).isEmpty();
  }

  @Test
  void anotherUnitScalesEveryLoss() throws Exception {
    Chromium page = open(new SyntheticRun(4, 8, 2, 120), 1360, false);
    select(page, "#unit", 1); // bits per byte
    assertThat(page.evaluate("document.querySelector('#tiles').textContent").asText())
        .contains("bits/byte", "bigram model at 2.914"); // 2.02 / ln 2
  }

  @Test
  void fitsANarrowScreenInTheDark() throws Exception {
    Chromium page = open(new SyntheticRun(4, 8, 2, 400), 390, true);
    assertThat(page.evaluate("document.documentElement.scrollWidth").asInt()).isEqualTo(390);
    assertThat(page.evaluate("document.documentElement.dataset.theme").asText()).isEqualTo("dark");
    page.screenshot(PICTURES.resolve("dark-narrow.png"));
    page.show(1360, 900, true);
    page.settle();
    page.screenshot(PICTURES.resolve("dark-wide.png"));
    assertThat(page.complaints()).isEmpty();
  }

  @Test
  void hostileTextStaysText() throws Exception {
    MonitorOptions options = new MonitorOptions(directory, 10, true, 1, ProgressStyle.NONE);
    try (RunMonitor monitor = RunMonitor.of(options, TestTerminal.plain().terminal())) {
      monitor.started(ReportTest.hostile());
      monitor.event(new RunEvent(RunEvent.Kind.WARNING, 0, "<img src=x onerror=hacked=1>"));
      monitor.step(TestRun.step(1));
      monitor.finished(RunSummary.Outcome.FAILED, ReportTest.HOSTILE);
    }
    Chromium page = open(1360, false);
    assertThat(page.evaluate("typeof window.hacked").asText()).isEqualTo("undefined");
    assertThat(page.evaluate("document.querySelector('h1').textContent").asText())
        .isEqualTo(ReportTest.HOSTILE);
    assertThat(page.evaluate("document.querySelector('#events').textContent").asText())
        .contains("<img src=x onerror=hacked=1>");
    assertThat(page.complaints()).isEmpty();
    assertThat(page.requests()).hasSize(1);
  }

  @Test
  void ofAGpuItsNameAndDriverCallsAreShown() throws Exception {
    MonitorOptions options = new MonitorOptions(directory, 10, true, 1, ProgressStyle.NONE);
    try (RunMonitor monitor = RunMonitor.of(options, TestTerminal.plain().terminal())) {
      monitor.started(TestRun.onGpu());
      for (int step = 1; step <= 10; step++) {
        long launches = step == 1 ? 5000 : 1;
        long waits = step == 1 ? 40 : 0;
        monitor.step(
            TestRun.onGpu(
                step,
                Map.of(
                    "cuGraphLaunch", launches, "cuEventQuery", 3L, "cuStreamSynchronize", waits)));
      }
      monitor.finished(RunSummary.Outcome.COMPLETED, "");
    }
    Chromium page = open(1360, false);
    assertThat(page.evaluate("document.querySelector('#facts').textContent").asText())
        .contains(
            "GPUNVIDIA H100 80GB HBM3Backenddevice 0, compute capability 9.0, 79.2 GiB, CUDA");
    assertThat(page.evaluate("document.querySelector('#tiles').textContent").asText())
        .contains("CUDA calls per step4");
    assertThat(plots(page))
        .filteredOn(plot -> plot.label().equals("CUDA calls per step"))
        .singleElement()
        .satisfies(plot -> assertThat(plot.colours()).isGreaterThan(10));
    // The steps after the first are to be seen, although it made a thousand times their calls.
    assertThat(
            page.evaluate(
                    "redrawn.find((c) => c.options?.title === 'CUDA calls per step')"
                        + ".plot.scales.y.max")
                .asDouble())
        .isBetween(16., 18.);
    page.screenshot(PICTURES.resolve("gpu.png"));
    assertThat(page.complaints()).isEmpty();
  }

  @Test
  void aDenseModelHasNoLoadSections() throws Exception {
    Chromium page = open(new SyntheticRun(2, 0, 0, 50), 1360, false);
    assertThat(plots(page)).hasSize(4);
    assertThat(page.evaluate("document.querySelector('#layer-section').hidden").asBoolean())
        .isTrue();
    page.screenshot(PICTURES.resolve("dense.png"));
    assertThat(page.complaints()).isEmpty();
  }

  @Test
  void aLargeRunOpensWithinSeconds() throws Exception {
    Chromium page = open(new SyntheticRun(32, 64, 6, 3000), 1360, false);
    assertThat(directory.resolve("report.html"))
        .satisfies(file -> assertThat(file.toFile().length()).isLessThan(3_000_000));
    JsonNode loaded = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd");
    assertThat(loaded.asDouble()).as("milliseconds").isLessThan(20_000);
    page.screenshot(PICTURES.resolve("large.png"));
    assertThat(page.complaints()).isEmpty();
  }

  @Test
  void anUnfinishedFirstStepAlreadyShows() throws Exception {
    SyntheticRun run = new SyntheticRun(4, 8, 2, 100);
    MonitorOptions options = new MonitorOptions(directory, 10, true, 1, ProgressStyle.NONE);
    try (RunMonitor monitor = RunMonitor.of(options, TestTerminal.plain().terminal())) {
      monitor.started(run.info(0));
      run.report(monitor, 0, 1);
      Chromium page = open(1360, false);
      assertThat(page.evaluate("document.querySelector('#outcome').textContent").asText())
          .isEqualTo("running, step 1 of 100");
      assertThat(page.complaints()).isEmpty();
    }
  }
}
