package io.antiphon.monitor;

import com.fasterxml.jackson.core.JsonGenerator;
import io.antiphon.train.report.CountSpread;
import io.antiphon.train.report.LayerLoad;
import java.io.IOException;
import java.util.function.IntToDoubleFunction;
import java.util.stream.LongStream;

/**
 * What the report shows of one MoE layer over time. Loads are relative: 1 is the mean over ranks,
 * or over experts.
 */
final class LayerHistory {

  /** Cells of the heat maps of all layers together: keeps the report at a few megabytes. */
  private static final int CELL_BUDGET = 400_000;

  private static final int MOST_BUCKETS = 500;
  private static final int FEWEST_BUCKETS = 24;

  private static final int BEFORE = 0;
  private static final int AFTER = 1;
  private static final int CLONES = 2;
  private static final int LEAST = 3;
  private static final int MOST = 4;
  private static final int DEVIATION = 5;
  private static final int EXPERTS = 6;

  private final int layer;
  private final int experts;
  private final BucketedMeans means;

  /** A layer as first seen, one of {@code layers}. */
  LayerHistory(LayerLoad first, int layers) {
    layer = first.layer();
    experts = first.expertCounts().length;
    int fields = fields(first);
    long affordable = CELL_BUDGET / ((long) layers * fields);
    means =
        new BucketedMeans(
            (int) Math.max(FEWEST_BUCKETS, Math.min(MOST_BUCKETS, affordable)), fields);
  }

  int layer() {
    return layer;
  }

  /** Adds one step; the number of ranks may differ from earlier steps, of experts may not. */
  void add(long step, LayerLoad load) {
    if (load.expertCounts().length != experts) {
      throw new IllegalArgumentException(
          String.format(
              "layer %d had %d experts, has %d at step %d",
              layer, experts, load.expertCounts().length, step));
    }
    double[] values = new double[fields(load)];
    values[BEFORE] = load.imbalanceBefore();
    values[AFTER] = load.imbalanceAfter();
    values[CLONES] = load.clones();
    CountSpread spread = load.relativeExpertSpread();
    values[LEAST] = spread.min();
    values[MOST] = spread.max();
    values[DEVIATION] = spread.std();
    relative(load.expertCounts(), values, EXPERTS, 1);
    // Rank by rank, so that more ranks after a resume only append fields.
    relative(load.rankLoadBefore(), values, EXPERTS + experts, 2);
    relative(load.rankLoadAfter(), values, EXPERTS + experts + 1, 2);
    means.add(step, values);
  }

  private static int fields(LayerLoad load) {
    return EXPERTS + load.expertCounts().length + 2 * load.rankLoadBefore().length;
  }

  /** Writes {@code counts / mean(counts)} to every {@code stride}-th value from {@code start}. */
  private static void relative(long[] counts, double[] values, int start, int stride) {
    double mean = (double) LongStream.of(counts).sum() / counts.length;
    for (int i = 0; i < counts.length; i++) {
      values[start + i * stride] = mean == 0 ? 1 : counts[i] / mean;
    }
  }

  void write(JsonGenerator out) throws IOException {
    int ranks = (means.fields() - EXPERTS - experts) / 2;
    out.writeStartObject();
    out.writeNumberField("layer", layer);
    out.writeNumberField("width", means.width());
    out.writeFieldName("step");
    writeSeries(out, means::step);
    out.writeFieldName("before");
    writeField(out, BEFORE);
    out.writeFieldName("after");
    writeField(out, AFTER);
    out.writeFieldName("clones");
    writeField(out, CLONES);
    out.writeFieldName("expertMin");
    writeField(out, LEAST);
    out.writeFieldName("expertMax");
    writeField(out, MOST);
    out.writeFieldName("expertStd");
    writeField(out, DEVIATION);
    out.writeArrayFieldStart("experts");
    for (int expert = 0; expert < experts; expert++) {
      writePercent(out, EXPERTS + expert);
    }
    out.writeEndArray();
    writeRanks(out, "ranksBefore", ranks, EXPERTS + experts);
    writeRanks(out, "ranksAfter", ranks, EXPERTS + experts + 1);
    out.writeEndObject();
  }

  private void writeRanks(JsonGenerator out, String name, int ranks, int start) throws IOException {
    out.writeArrayFieldStart(name);
    for (int rank = 0; rank < ranks; rank++) {
      writePercent(out, start + 2 * rank);
    }
    out.writeEndArray();
  }

  private void writeField(JsonGenerator out, int field) throws IOException {
    writeSeries(out, bucket -> means.mean(bucket, field));
  }

  private void writeSeries(JsonGenerator out, IntToDoubleFunction value) throws IOException {
    out.writeStartArray();
    for (int bucket = 0; bucket < means.size(); bucket++) {
      Json.rounded(out, value.applyAsDouble(bucket));
    }
    out.writeEndArray();
  }

  /** Whole percents: what a picture can show, in the fewest bytes. */
  private void writePercent(JsonGenerator out, int field) throws IOException {
    out.writeStartArray();
    for (int bucket = 0; bucket < means.size(); bucket++) {
      double mean = means.mean(bucket, field);
      if (Double.isFinite(mean)) {
        out.writeNumber(Math.round(100 * mean));
      } else {
        out.writeNull();
      }
    }
    out.writeEndArray();
  }
}
