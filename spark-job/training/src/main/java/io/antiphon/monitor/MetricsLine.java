package io.antiphon.monitor;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import io.antiphon.train.report.CountSpread;
import io.antiphon.train.report.EvaluationMetrics;
import io.antiphon.train.report.LayerLoad;
import io.antiphon.train.report.RunEvent;
import io.antiphon.train.report.RunInfo;
import io.antiphon.train.report.RunListener;
import io.antiphon.train.report.RunSummary;
import io.antiphon.train.report.StepMetrics;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * One line of {@code metrics.jsonl}, to and from the records it stands for. Every line has a {@code
 * step}; every line but that of a step has a {@code kind}. The fields are documented in {@code
 * docs/metrics.md}.
 */
final class MetricsLine {

  private static final String RUN = "run";
  private static final String EVALUATION = "evaluation";
  private static final String EVENT = "event";
  private static final String END = "end";

  /** Fields of one line, without the braces. */
  private interface Fields {
    void writeTo(JsonGenerator out) throws IOException;
  }

  private MetricsLine() {}

  static byte[] of(RunInfo info) {
    return line(
        out -> {
          out.writeStringField("kind", RUN);
          out.writeNumberField("step", info.resumedStep());
          out.writeStringField("name", info.name());
          out.writeStringField("startTime", info.startTime().toString());
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
          Json.number(out, "bigramLoss", info.bigramLoss());
        });
  }

  static byte[] of(StepMetrics metrics, RunInfo info) {
    return line(
        out -> {
          out.writeNumberField("step", metrics.step());
          Json.number(out, "loss", metrics.loss());
          Json.number(out, "bitsPerByte", info.bitsPerByte(metrics.loss()));
          Json.number(out, "auxLoss", metrics.auxLoss());
          Json.number(out, "zLoss", metrics.zLoss());
          Json.number(out, "gradientNorm", metrics.gradientNorm());
          Json.number(out, "learningRate", metrics.learningRate());
          out.writeNumberField("targets", metrics.targets());
          out.writeNumberField("tokens", metrics.tokens());
          Json.number(out, "seconds", metrics.seconds());
          Json.number(out, "tokensPerSecond", metrics.tokensPerSecond());
          out.writeNumberField("reruns", metrics.reruns());
          out.writeNumberField("skippedUpdates", metrics.skippedUpdates());
          out.writeNumberField("rowCapacity", metrics.rowCapacity());
          out.writeNumberField("maxRows", metrics.maxRows());
          Json.number(out, "loadBefore", metrics.loadBefore());
          Json.number(out, "loadAfter", metrics.loadAfter());
          Json.percentiles(out, "loadBeforePercentiles", metrics.loadBeforePercentiles());
          Json.percentiles(out, "loadAfterPercentiles", metrics.loadAfterPercentiles());
          out.writeNumberField("clones", metrics.clones());
          out.writeNumberField("clonesSent", metrics.clonesSent());
          out.writeNumberField("weightBytesSaved", metrics.weightBytesSaved());
          if (!metrics.cudaCalls().isEmpty()) {
            out.writeObjectFieldStart("driverCalls");
            out.writeNumberField("total", metrics.cudaCallsInAll());
            for (Map.Entry<String, Long> call : metrics.cudaCalls().entrySet()) {
              out.writeNumberField(call.getKey(), call.getValue());
            }
            out.writeEndObject();
          }
          out.writeArrayFieldStart("layers");
          for (LayerLoad layer : metrics.layers()) {
            write(layer, out);
          }
          out.writeEndArray();
        });
  }

  private static void write(LayerLoad layer, JsonGenerator out) throws IOException {
    out.writeStartObject();
    out.writeNumberField("layer", layer.layer());
    Json.array(out, "expertCounts", layer.expertCounts());
    CountSpread spread = layer.expertSpread();
    out.writeNumberField("expertMin", (long) spread.min());
    out.writeNumberField("expertMax", (long) spread.max());
    Json.number(out, "expertStd", spread.std());
    Json.array(out, "rankLoadBefore", layer.rankLoadBefore());
    Json.array(out, "rankLoadAfter", layer.rankLoadAfter());
    Json.number(out, "imbalanceBefore", layer.imbalanceBefore());
    Json.number(out, "imbalanceAfter", layer.imbalanceAfter());
    out.writeNumberField("clones", layer.clones());
    out.writeNumberField("clonesSent", layer.clonesSent());
    out.writeNumberField("weightBytesSaved", layer.weightBytesSaved());
    out.writeEndObject();
  }

  static byte[] of(EvaluationMetrics metrics, RunInfo info) {
    return line(
        out -> {
          out.writeStringField("kind", EVALUATION);
          out.writeNumberField("step", metrics.step());
          Json.number(out, "validationLoss", metrics.loss());
          Json.number(out, "bitsPerByte", info.bitsPerByte(metrics.loss()));
          out.writeNumberField("targets", metrics.targets());
        });
  }

  static byte[] of(RunEvent event) {
    return line(
        out -> {
          out.writeStringField("kind", EVENT);
          out.writeNumberField("step", event.step());
          out.writeStringField("event", word(event.kind()));
          out.writeStringField("message", event.message());
        });
  }

  static byte[] end(long step, RunSummary.Outcome outcome, String reason) {
    return line(
        out -> {
          out.writeStringField("kind", END);
          out.writeNumberField("step", step);
          out.writeStringField("outcome", word(outcome));
          out.writeStringField("reason", reason);
        });
  }

  /** The spelling of an enum constant in JSON. */
  static String word(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /**
   * Parses one line.
   *
   * @throws IllegalArgumentException if it is not a whole line of this format
   */
  static JsonNode parse(String text) {
    JsonNode line;
    try {
      line = Json.MAPPER.readTree(text);
    } catch (IOException e) {
      throw new IllegalArgumentException("not JSON: " + e.getMessage(), e);
    }
    if (!line.isObject()) {
      throw new IllegalArgumentException("not a JSON object");
    }
    deliver(line, new IgnoringListener());
    return line;
  }

  /** Whether the line still holds after the run went back to {@code step}. */
  static boolean survivesRewindTo(long step, JsonNode line) {
    String kind = line.path("kind").asText();
    if (kind.equals(END)) {
      return false;
    }
    if (kind.equals(EVENT)) {
      // These tell what the processes went through, which no rewind undoes.
      String event = Json.text(line, "event");
      if (event.equals(word(RunEvent.Kind.RESTART))
          || event.equals(word(RunEvent.Kind.INTERRUPTED))) {
        return true;
      }
    }
    return Json.integer(line, "step") <= step;
  }

  /**
   * Makes the call that the line records.
   *
   * @throws IllegalArgumentException if a field is missing or out of range
   */
  static void deliver(JsonNode line, RunListener listener) {
    JsonNode kind = line.get("kind");
    if (kind == null) {
      listener.step(stepMetrics(line));
      return;
    }
    switch (kind.asText()) {
      case RUN -> listener.started(runInfo(line));
      case EVALUATION ->
          listener.evaluated(
              new EvaluationMetrics(
                  Json.integer(line, "step"),
                  Json.real(line, "validationLoss"),
                  Json.integer(line, "targets")));
      case EVENT ->
          listener.event(
              new RunEvent(
                  constant(RunEvent.Kind.class, Json.text(line, "event")),
                  Json.integer(line, "step"),
                  Json.text(line, "message")));
      case END ->
          listener.finished(
              constant(RunSummary.Outcome.class, Json.text(line, "outcome")),
              Json.text(line, "reason"));
      default -> throw new IllegalArgumentException("unknown kind " + kind);
    }
  }

  private static RunInfo runInfo(JsonNode line) {
    return new RunInfo(
        Json.text(line, "name"),
        Json.small(line, "ranks"),
        Json.small(line, "expertParallel"),
        Json.small(line, "experts"),
        Json.small(line, "topK"),
        Json.small(line, "layers"),
        Json.small(line, "slotsPerRank"),
        Json.text(line, "planner"),
        Json.integer(line, "steps"),
        Json.small(line, "sequenceLength"),
        Json.small(line, "globalBatch"),
        Json.real(line, "bytesPerToken"),
        Json.text(line, "backend"),
        Json.real(line, "bigramLoss"),
        Json.integer(line, "step"),
        instant(Json.text(line, "startTime")));
  }

  private static StepMetrics stepMetrics(JsonNode line) {
    List<LayerLoad> layers = new ArrayList<>();
    for (JsonNode layer : Json.field(line, "layers")) {
      layers.add(
          new LayerLoad(
              Json.small(layer, "layer"),
              Json.integers(layer, "expertCounts"),
              Json.integers(layer, "rankLoadBefore"),
              Json.integers(layer, "rankLoadAfter"),
              Json.real(layer, "imbalanceBefore"),
              Json.real(layer, "imbalanceAfter"),
              Json.small(layer, "clones"),
              // Runs from before clones were reused sent every clone.
              Json.small(layer, layer.has("clonesSent") ? "clonesSent" : "clones"),
              layer.has("weightBytesSaved") ? Json.integer(layer, "weightBytesSaved") : 0));
    }
    return new StepMetrics(
        Json.integer(line, "step"),
        Json.real(line, "loss"),
        Json.real(line, "auxLoss"),
        Json.real(line, "zLoss"),
        Json.real(line, "gradientNorm"),
        Json.real(line, "learningRate"),
        Json.integer(line, "targets"),
        Json.integer(line, "tokens"),
        Json.real(line, "seconds"),
        Json.small(line, "reruns"),
        Json.integer(line, "skippedUpdates"),
        Json.integer(line, "rowCapacity"),
        Json.integer(line, "maxRows"),
        layers,
        cudaCalls(line));
  }

  /** Lines of runs on the CPU have none. */
  private static Map<String, Long> cudaCalls(JsonNode line) {
    Map<String, Long> calls = new TreeMap<>();
    JsonNode object = line.path("driverCalls");
    object
        .fieldNames()
        .forEachRemaining(
            name -> {
              if (!name.equals("total")) {
                calls.put(name, Json.integer(object, name));
              }
            });
    return calls;
  }

  private static Instant instant(String text) {
    try {
      return Instant.parse(text);
    } catch (DateTimeParseException e) {
      throw new IllegalArgumentException("not a time: " + text, e);
    }
  }

  private static <E extends Enum<E>> E constant(Class<E> type, String word) {
    return Enum.valueOf(type, word.toUpperCase(Locale.ROOT).replace('-', '_'));
  }

  private static byte[] line(Fields fields) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(1024);
    try (JsonGenerator out = Json.FACTORY.createGenerator(bytes)) {
      out.writeStartObject();
      fields.writeTo(out);
      out.writeEndObject();
      out.writeRaw('\n');
    } catch (IOException e) {
      throw new UncheckedIOException(e); // memory does not fail
    }
    return bytes.toByteArray();
  }

  /** Takes a line apart for the sake of its checks. */
  private static final class IgnoringListener implements RunListener {
    @Override
    public void started(RunInfo info) {}

    @Override
    public void step(StepMetrics metrics) {}

    @Override
    public void evaluated(EvaluationMetrics metrics) {}

    @Override
    public void event(RunEvent event) {}

    @Override
    public void finished(RunSummary.Outcome outcome, String reason) {}
  }
}
