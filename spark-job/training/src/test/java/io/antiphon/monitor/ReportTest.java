package io.antiphon.monitor;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.antiphon.train.report.EvaluationMetrics;
import io.antiphon.train.report.RunEvent;
import io.antiphon.train.report.RunInfo;
import io.antiphon.train.report.StepMetrics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ReportTest {

  static final String HOSTILE = "</script><script>window.hacked=1</script><!-- {{data}} & \u2028";

  private static final String DATA_BEGIN = "<script type=\"application/json\" id=\"data\">";

  private final Path file;

  ReportTest(@TempDir Path directory) {
    file = directory.resolve("report.html");
  }

  /** The JSON inside a report. */
  static JsonNode data(Path report) throws IOException {
    String html = Files.readString(report);
    int begin = html.indexOf(DATA_BEGIN) + DATA_BEGIN.length();
    return Json.MAPPER.readTree(html.substring(begin, html.indexOf("</script>", begin)));
  }

  static RunInfo hostile() {
    return new RunInfo(
        HOSTILE, 1, 1, 4, 2, 2, 1, HOSTILE, 10, 16, 2, 2.0, HOSTILE, 2.5, 0, Instant.EPOCH);
  }

  private JsonNode write(RunInfo info, int steps) throws IOException {
    SummaryBuilder summary = new SummaryBuilder();
    ReportData data = new ReportData();
    summary.started(info);
    data.started(info);
    for (int step = 1; step <= steps; step++) {
      summary.step(TestRun.step(step));
      data.step(TestRun.step(step));
    }
    data.evaluated(new EvaluationMetrics(steps, 2.25, 10));
    data.event(new RunEvent(RunEvent.Kind.WARNING, steps, HOSTILE));
    Report.write(file, info.name(), summary.summary(), data);
    return data(file);
  }

  @Test
  void textFromOutsideCannotBecomeMarkup() throws IOException {
    JsonNode data = write(hostile(), 1);
    String html = Files.readString(file);
    assertThat(html.split("</script>", -1)).hasSize(3); // the data and the script end
    assertThat(html).doesNotContain("<script>window");
    assertThat(html).contains("<title>&lt;/script&gt;&lt;script&gt;window");
    assertThat(data.get("run").get("name").asText()).isEqualTo(HOSTILE);
    assertThat(data.get("events").get(0).get("message").asText()).isEqualTo(HOSTILE);
  }

  @Test
  void refersToNothingOutside() throws IOException {
    write(TestRun.info(0), 3);
    assertThat(Files.readString(file))
        .doesNotContainPattern("https?://")
        .doesNotContain("@import", "url(")
        .contains("default-src 'none'");
  }

  @Test
  void loadsAreRelativeToTheMean() throws IOException {
    JsonNode layer = write(TestRun.info(0), 1).get("layers").get(0);
    // 30, 10, 14, 10 of 64 assignments: the mean is 16; 40 and 24 on two ranks: 32
    assertThat(layer.get("experts")).hasToString("[[188],[63],[88],[63]]");
    assertThat(layer.get("ranksBefore")).hasToString("[[125],[75]]");
    assertThat(layer.get("ranksAfter")).hasToString("[[100],[100]]");
    assertThat(layer.get("layer").asInt()).isEqualTo(1);
  }

  @Test
  void driverCallsOfAGpuAreCountedAndThoseThatWaitApart() throws IOException {
    SummaryBuilder summary = new SummaryBuilder();
    ReportData data = new ReportData();
    summary.started(TestRun.onGpu());
    data.started(TestRun.onGpu());
    for (StepMetrics step :
        List.of(
            TestRun.onGpu(1, Map.of("cuGraphLaunch", 1L, "cuStreamSynchronize", 3L)),
            TestRun.onGpu(2, Map.of("cuGraphLaunch", 1L, "cuMemcpyHtoDAsync", 1L)))) {
      summary.step(step);
      data.step(step);
    }
    Report.write(file, "gpu", summary.summary(), data);

    JsonNode written = data(file);
    assertThat(written.get("curves").get("driverCalls")).hasToString("[4.0,2.0]");
    assertThat(written.get("curves").get("driverWaits")).hasToString("[3.0,0.0]");
    assertThat(written.get("summary").get("driverCallsPerStep").asDouble()).isEqualTo(2);
    assertThat(written.get("run").get("backend").asText()).startsWith("NVIDIA H100 80GB HBM3 (");
  }

  @Test
  void aRunOnTheCpuHasNoDriverCalls() throws IOException {
    JsonNode data = write(TestRun.info(0), 2);
    assertThat(data.get("curves").get("driverCalls")).hasToString("[null,null]");
    assertThat(data.get("summary").get("driverCallsPerStep").isNull()).isTrue();
  }

  @Test
  void manyStepsBecomeFewPoints() throws IOException {
    JsonNode data = write(TestRun.info(0), 5000);
    assertThat(data.get("curves").get("loss").size()).isBetween(500, 1000);
    assertThat(data.get("curves").get("width").asInt()).isEqualTo(8);
    assertThat(data.get("layers").get(0).get("step").size()).isBetween(250, 500);
  }

  @Test
  void manyEventsKeepTheLatest() throws IOException {
    ReportData data = new ReportData();
    SummaryBuilder summary = new SummaryBuilder();
    summary.started(TestRun.info(0));
    data.started(TestRun.info(0));
    for (int step = 1; step <= 600; step++) {
      data.event(new RunEvent(RunEvent.Kind.CHECKPOINT, step, ""));
    }
    Report.write(file, "many", summary.summary(), data);
    assertThat(data(file).get("events")).hasSize(500);
    assertThat(data(file).get("events").get(499).get("step").asInt()).isEqualTo(600);
    assertThat(data(file).get("olderEvents").asInt()).isEqualTo(100);
  }
}
