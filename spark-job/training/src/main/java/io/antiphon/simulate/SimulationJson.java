package io.antiphon.simulate;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.StreamWriteFeature;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import io.antiphon.simulate.ContenderResult.Summary;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.List;
import java.util.function.ToDoubleFunction;

/** A comparison as JSON; its fields are documented in {@code docs/simulate.md}. */
public final class SimulationJson {
  private static final MathContext PRECISION = new MathContext(6);
  private static final int MOST_POINTS = 400;

  private SimulationJson() {}

  /** Writes the comparison, without the curves of the report, and a line end. */
  public static void write(SimulationResult result, Recommendation advice, Writer writer) {
    JsonFactory factory =
        JsonFactory.builder().disable(StreamWriteFeature.AUTO_CLOSE_TARGET).build();
    try (JsonGenerator out = factory.createGenerator(writer)) {
      out.setPrettyPrinter(new DefaultPrettyPrinter());
      write(result, advice, false, out);
      out.writeRaw('\n');
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static void write(
      SimulationResult result, Recommendation advice, boolean curves, JsonGenerator out)
      throws IOException {
    SimulationOptions options = result.options();
    out.writeStartObject();
    out.writeStringField("input", result.input());
    out.writeNumberField("ranks", result.ranks());
    out.writeNumberField("experts", result.experts());
    out.writeNumberField("ranksPerNode", options.planner().ranksPerNode());
    out.writeNumberField("samples", result.samples());
    out.writeNumberField("hidden", options.size().hidden());
    out.writeNumberField("ffn", options.size().ffn());
    out.writeNumberField("eplbPeriod", options.eplbPeriod());
    out.writeNumberField("eplbHistory", options.eplbHistory());
    out.writeObjectFieldStart("recommendation");
    out.writeNumberField("slotsPerRank", advice.slotsPerRank());
    out.writeStringField("planner", advice.planner());
    number(out, "tokenCapacity", advice.tokenCapacity());
    out.writeArrayFieldStart("sentences");
    for (String sentence : advice.sentences()) {
      out.writeString(sentence);
    }
    out.writeEndArray();
    out.writeEndObject();
    out.writeArrayFieldStart("contenders");
    for (ContenderResult contender : result.contenders()) {
      write(contender, curves, out);
    }
    out.writeEndArray();
    out.writeEndObject();
  }

  private static void write(ContenderResult result, boolean curves, JsonGenerator out)
      throws IOException {
    Summary summary = result.summary();
    out.writeStartObject();
    out.writeStringField("name", summary.contender().name());
    out.writeNumberField("slotsPerRank", summary.contender().slotsPerRank());
    out.writeStringField("label", summary.contender().label());
    number(out, "load", summary.load());
    number(out, "loadP99", summary.loadP99());
    number(out, "loadWorst", summary.loadWorst());
    number(out, "optimalShare", summary.optimalShare());
    out.writeObjectFieldStart("tokenCapacity");
    number(out, "factor", summary.capacity().factor());
    number(out, "worst", summary.capacity().worst());
    out.writeNumberField("steps", summary.capacity().steps());
    out.writeBooleanField("extrapolated", summary.capacity().extrapolated());
    number(out, "provenRate", summary.capacity().provenRate());
    out.writeEndObject();
    number(out, "clones", summary.clones());
    number(out, "weightBytesInside", summary.weightsInside());
    number(out, "weightBytesBetween", summary.weightsBetween());
    number(out, "tokenBytesInside", summary.tokensInside());
    number(out, "tokenBytesBetween", summary.tokensBetween());
    number(out, "planSeconds", summary.planSeconds());
    number(out, "seconds", summary.seconds());
    number(out, "secondsP99", summary.secondsP99());
    number(out, "gemmSeconds", summary.gemmSeconds());
    if (curves) {
      writeCurves(result, out);
    }
    out.writeEndObject();
  }

  private static void writeCurves(ContenderResult result, JsonGenerator out) throws IOException {
    List<Measurement> all = result.measurements();
    series(all, "steps", Measurement::step, out);
    series(all, "loads", Measurement::maxOverMean, out);
    series(all, "clonesOverSteps", Measurement::clones, out);
    series(all, "secondsOverSteps", Measurement::seconds, out);
    out.writeArrayFieldStart("histogram");
    for (double share : result.histogram().shares()) {
      out.writeNumber(new BigDecimal(share, PRECISION));
    }
    out.writeEndArray();
  }

  /** Means over runs of consecutive samples of whole steps, few enough for a screen. */
  private static void series(
      List<Measurement> all, String field, ToDoubleFunction<Measurement> value, JsonGenerator out)
      throws IOException {
    long steps = 1;
    for (int i = 1; i < all.size(); i++) {
      steps += all.get(i).step() == all.get(i - 1).step() ? 0 : 1;
    }
    long stepsPerPoint = (steps + MOST_POINTS - 1) / MOST_POINTS;
    out.writeArrayFieldStart(field);
    int first = 0;
    long seen = 1;
    for (int i = 1; i <= all.size(); i++) {
      boolean newStep = i == all.size() || all.get(i).step() != all.get(i - 1).step();
      if (newStep && (i == all.size() || seen % stepsPerPoint == 0)) {
        double mean = all.subList(first, i).stream().mapToDouble(value).average().orElseThrow();
        out.writeNumber(new BigDecimal(mean, PRECISION));
        first = i;
      }
      seen += newStep ? 1 : 0;
    }
    out.writeEndArray();
  }

  private static void number(JsonGenerator out, String field, double value) throws IOException {
    out.writeNumberField(field, new BigDecimal(value, PRECISION).doubleValue());
  }
}
