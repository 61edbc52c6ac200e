package io.antiphon.cpu;

import io.antiphon.tensor.Tensor;
import java.util.HashMap;
import java.util.Map;

/** Rotary position embedding in fp32, from tables of sines and cosines. */
final class F32Rope {
  private record TableKey(int half, int positions, double theta) {}

  /** Both {@code [positions, half]}. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Table(float[] cosines, float[] sines) {
    static Table of(TableKey key) {
      float[] cosines = new float[key.positions * key.half];
      float[] sines = new float[key.positions * key.half];
      for (int position = 0; position < key.positions; position++) {
        for (int i = 0; i < key.half; i++) {
          double angle = position * Math.pow(key.theta, -(double) i / key.half);
          cosines[position * key.half + i] = (float) Math.cos(angle);
          sines[position * key.half + i] = (float) Math.sin(angle);
        }
      }
      return new Table(cosines, sines);
    }
  }

  private final F32Scratch scratch;
  private final Map<TableKey, Table> tables = new HashMap<>();

  F32Rope(F32Scratch scratch) {
    this.scratch = scratch;
  }

  Runnable turn(
      Tensor x, Tensor documentStarts, int sequenceLength, double theta, boolean inverse) {
    int tokens = x.extent(0);
    int heads = x.extent(1);
    int half = x.extent(2) / 2;
    int width = heads * 2 * half;
    int blockRows = F32Scratch.rows(width);
    F32View view = F32View.of(x);
    int[] documentStart = CpuMemory.ints(documentStarts);
    int firstStart = CpuMemory.offset(documentStarts);
    Table table = tables.computeIfAbsent(new TableKey(half, sequenceLength, theta), Table::of);
    float direction = inverse ? -1 : 1;
    float[] in = scratch.array(0, blockRows * width);
    float[] out = scratch.array(1, blockRows * width);
    return () -> {
      for (int token = 0; token < tokens; token += blockRows) {
        int rows = Math.min(blockRows, tokens - token);
        view.read(token * width, in, rows * width);
        for (int row = 0; row < rows; row++) {
          int start = documentStart[firstStart + token + row];
          int position = (token + row) % sequenceLength - start;
          turn(in, row * width, heads, half, table, position * half, direction, out);
        }
        view.write(token * width, out, rows * width);
      }
    };
  }

  private static void turn(
      float[] x,
      int from,
      int heads,
      int half,
      Table table,
      int angle,
      float direction,
      float[] y) {
    float[] cosines = table.cosines;
    float[] sines = table.sines;
    for (int head = 0; head < heads; head++) {
      int first = from + head * 2 * half;
      int second = first + half;
      for (int i = 0; i < half; i++) {
        float sine = direction * sines[angle + i];
        y[first + i] = x[first + i] * cosines[angle + i] - x[second + i] * sine;
      }
      for (int i = 0; i < half; i++) {
        float sine = direction * sines[angle + i];
        y[second + i] = x[second + i] * cosines[angle + i] + x[first + i] * sine;
      }
    }
  }
}
