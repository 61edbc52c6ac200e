package io.antiphon.monitor;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import io.antiphon.train.report.RunSummary;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Writes {@code summary.json}; its fields are documented in {@code docs/metrics.md}. */
final class SummaryFile {

  private static final double BITS_PER_NAT = 1 / Math.log(2);

  private SummaryFile() {}

  static void write(Path file, RunSummary summary) {
    AtomicFile.write(
        file,
        stream -> {
          try (JsonGenerator out = Json.FACTORY.createGenerator(stream)) {
            out.setPrettyPrinter(new DefaultPrettyPrinter());
            write(summary, out);
          }
          stream.write("\n".getBytes(StandardCharsets.UTF_8));
        });
  }

  static void write(RunSummary summary, JsonGenerator out) throws IOException {
    out.writeStartObject();
    out.writeStringField("outcome", MetricsLine.word(summary.outcome()));
    out.writeNumberField("steps", summary.steps());
    writeLoss("train", summary.trainLoss(), summary.trainLossPerToken(), out);
    writeLoss("validation", summary.validationLoss(), summary.validationLossPerToken(), out);
    writeLoss("bigram", summary.bigramLoss(), summary.bigramLossPerToken(), out);
    Json.number(out, "bytesPerToken", summary.bytesPerToken());
    Json.number(out, "tokensPerSecond", summary.tokensPerSecond());
    Json.number(out, "loadBefore", summary.loadBefore());
    Json.number(out, "loadAfter", summary.loadAfter());
    Json.percentiles(out, "loadBeforePercentiles", summary.loadBeforePercentiles());
    Json.percentiles(out, "loadAfterPercentiles", summary.loadAfterPercentiles());
    Json.number(out, "expertMin", summary.expertSpread().min());
    Json.number(out, "expertMax", summary.expertSpread().max());
    Json.number(out, "expertStd", summary.expertSpread().std());
    Json.number(out, "clonesPerStep", summary.clonesPerStep());
    out.writeNumberField("weightBytesSaved", summary.weightBytesSaved());
    out.writeNumberField("reruns", summary.reruns());
    out.writeNumberField("skippedUpdates", summary.skippedUpdates());
    out.writeNumberField("restarts", summary.restarts());
    Json.number(out, "seconds", summary.seconds());
    out.writeStringField("backend", summary.backend());
    Json.number(out, "driverCallsPerStep", summary.cudaCallsPerStep());
    out.writeEndObject();
  }

  private static void writeLoss(
      String name, double natsPerByte, double natsPerToken, JsonGenerator out) throws IOException {
    Json.number(out, name + "Loss", natsPerByte);
    Json.number(out, name + "LossPerToken", natsPerToken);
    Json.number(out, name + "BitsPerByte", natsPerByte * BITS_PER_NAT);
  }
}
