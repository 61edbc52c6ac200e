package io.antiphon.monitor;

import com.fasterxml.jackson.core.JsonGenerator;
import io.antiphon.train.report.EvaluationMetrics;
import io.antiphon.train.report.LayerLoad;
import io.antiphon.train.report.Percentiles;
import io.antiphon.train.report.RunEvent;
import io.antiphon.train.report.RunInfo;
import io.antiphon.train.report.RunListener;
import io.antiphon.train.report.RunSummary;
import io.antiphon.train.report.StepMetrics;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Gathers what {@code report.html} draws, reduced to what a screen can show. */
final class ReportData implements RunListener {

  private static final int MOST_POINTS = 1000;
  private static final int MOST_EVENTS = 500;

  /** The curves over all layers, in the order of the values in {@link #step}. */
  private static final List<String> CURVES =
      List.of(
          "loss",
          "tokensPerSecond",
          "loadBefore",
          "loadAfter",
          "p50Before",
          "p90Before",
          "p99Before",
          "maxBefore",
          "p50After",
          "p90After",
          "p99After",
          "maxAfter",
          "clones",
          "learningRate",
          "gradientNorm",
          "maxRows",
          "rowCapacity",
          "driverCalls",
          "driverWaits");

  private final BucketedMeans curves = new BucketedMeans(MOST_POINTS, CURVES.size());
  private final BucketedMeans validation = new BucketedMeans(MOST_POINTS, 1);
  private final List<LayerHistory> layers = new ArrayList<>();
  private final Deque<RunEvent> events = new ArrayDeque<>();
  private long olderEvents;
  private @Nullable RunInfo info;
  private String reason = "";

  @Override
  public void started(RunInfo info) {
    this.info = info;
    reason = "";
  }

  @Override
  public void step(StepMetrics metrics) {
    Percentiles before = metrics.loadBeforePercentiles();
    Percentiles after = metrics.loadAfterPercentiles();
    boolean gpu = !metrics.cudaCalls().isEmpty();
    boolean sparse = !metrics.layers().isEmpty();
    curves.add(
        metrics.step(),
        new double[] {
          metrics.loss(),
          metrics.tokensPerSecond(),
          metrics.loadBefore(),
          metrics.loadAfter(),
          before.p50(),
          before.p90(),
          before.p99(),
          before.max(),
          after.p50(),
          after.p90(),
          after.p99(),
          after.max(),
          sparse ? metrics.clones() : Double.NaN,
          metrics.learningRate(),
          metrics.gradientNorm(),
          sparse ? metrics.maxRows() : Double.NaN,
          sparse ? metrics.rowCapacity() : Double.NaN,
          gpu ? metrics.cudaCallsInAll() : Double.NaN,
          gpu ? metrics.cudaCallsThatWait() : Double.NaN
        });
    for (LayerLoad load : metrics.layers()) {
      history(load, metrics.layers().size()).add(metrics.step(), load);
    }
  }

  private LayerHistory history(LayerLoad load, int size) {
    for (LayerHistory history : layers) {
      if (history.layer() == load.layer()) {
        return history;
      }
    }
    LayerHistory history = new LayerHistory(load, size);
    layers.add(history);
    return history;
  }

  @Override
  public void evaluated(EvaluationMetrics metrics) {
    validation.add(metrics.step(), new double[] {metrics.loss()});
  }

  @Override
  public void event(RunEvent event) {
    events.add(event);
    if (events.size() > MOST_EVENTS) {
      events.remove();
      olderEvents++;
    }
  }

  @Override
  public void finished(RunSummary.Outcome outcome, String reason) {
    this.reason = reason;
  }

  /** Writes everything as one JSON object. */
  void write(RunSummary summary, JsonGenerator out) throws IOException {
    if (info == null) {
      throw new IllegalStateException("there is no report of a run that never started");
    }
    out.writeStartObject();
    out.writeFieldName("run");
    write(info, out);
    out.writeFieldName("summary");
    SummaryFile.write(summary, out);
    out.writeStringField("reason", reason);
    out.writeFieldName("curves");
    writeMeans(curves, CURVES, out);
    out.writeFieldName("validation");
    writeMeans(validation, List.of("loss"), out);
    out.writeArrayFieldStart("layers");
    for (LayerHistory layer : layers) {
      layer.write(out);
    }
    out.writeEndArray();
    out.writeNumberField("olderEvents", olderEvents);
    out.writeArrayFieldStart("events");
    for (RunEvent event : events) {
      out.writeStartObject();
      out.writeStringField("event", MetricsLine.word(event.kind()));
      out.writeNumberField("step", event.step());
      out.writeStringField("message", event.message());
      out.writeEndObject();
    }
    out.writeEndArray();
    out.writeEndObject();
  }

  private static void write(RunInfo info, JsonGenerator out) throws IOException {
    out.writeStartObject();
    out.writeStringField("name", info.name());
    out.writeStringField("startTime", info.startTime().toString());
    out.writeNumberField("resumedStep", info.resumedStep());
    out.writeNumberField("steps", info.steps());
    out.writeNumberField("ranks", info.ranks());
    out.writeNumberField("expertParallel", info.expertParallel());
    out.writeNumberField("layers", info.layers());
    out.writeNumberField("experts", info.experts());
    out.writeNumberField("topK", info.topK());
    out.writeNumberField("slotsPerRank", info.slotsPerRank());
    out.writeStringField("planner", info.planner());
    out.writeNumberField("sequenceLength", info.sequenceLength());
    out.writeNumberField("globalBatch", info.globalBatch());
    out.writeStringField("backend", info.backend());
    Json.number(out, "bytesPerToken", info.bytesPerToken());
    out.writeEndObject();
  }

  private static void writeMeans(BucketedMeans means, List<String> names, JsonGenerator out)
      throws IOException {
    out.writeStartObject();
    out.writeNumberField("width", means.width());
    out.writeArrayFieldStart("step");
    for (int bucket = 0; bucket < means.size(); bucket++) {
      Json.rounded(out, means.step(bucket));
    }
    out.writeEndArray();
    for (int field = 0; field < names.size(); field++) {
      out.writeArrayFieldStart(names.get(field));
      for (int bucket = 0; bucket < means.size(); bucket++) {
        Json.rounded(out, means.mean(bucket, field));
      }
      out.writeEndArray();
    }
    out.writeEndObject();
  }
}
