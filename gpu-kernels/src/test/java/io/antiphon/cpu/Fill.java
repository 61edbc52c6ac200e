package io.antiphon.cpu;

import java.util.Arrays;
import java.util.SplittableRandom;

/** Draws the values of one argument of an {@link OpCase}. */
@FunctionalInterface
interface Fill {
  /** {@code length} values; {@code drawn} holds the arguments declared before this one. */
  double[] draw(SplittableRandom random, int length, Draw drawn);

  /** Standard normal numbers times {@code scale}. */
  static Fill normals(double scale) {
    return (random, length, drawn) -> {
      double[] values = new double[length];
      for (int i = 0; i < length; i++) {
        double radius = Math.sqrt(-2 * Math.log(1 - random.nextDouble()));
        values[i] = scale * radius * Math.cos(2 * Math.PI * random.nextDouble());
      }
      return values;
    };
  }

  /** Standard normal numbers. */
  static Fill normals() {
    return normals(1);
  }

  /** Numbers in {@code [from, to)}. */
  static Fill uniform(double from, double to) {
    return (random, length, drawn) -> random.doubles(length, from, to).toArray();
  }

  /** Integers in {@code [from, to)}. */
  static Fill integers(int from, int to) {
    return (random, length, drawn) -> random.ints(length, from, to).asDoubleStream().toArray();
  }

  /** Fills with one number everywhere. */
  static Fill constant(double value) {
    return (random, length, drawn) -> {
      double[] values = new double[length];
      Arrays.fill(values, value);
      return values;
    };
  }

  /** These numbers. */
  static Fill values(double... values) {
    return (random, length, drawn) -> values.clone();
  }

  /** Indices in {@code [0, size)}, and -1 with probability {@code missing}. */
  static Fill targets(int size, double missing) {
    return (random, length, drawn) -> {
      double[] values = new double[length];
      for (int i = 0; i < length; i++) {
        values[i] = random.nextDouble() < missing ? -1 : random.nextInt(size);
      }
      return values;
    };
  }

  /** Starts of the documents of sequences, where a token ends one with probability {@code ends}. */
  static Fill documentStarts(int sequenceLength, double ends) {
    return (random, length, drawn) -> {
      double[] starts = new double[length];
      for (int token = 0; token < length; token++) {
        int place = token % sequenceLength;
        boolean starting = place > 0 && random.nextDouble() < ends;
        starts[token] = place == 0 ? 0 : starting ? place : starts[token - 1];
      }
      return starts;
    };
  }

  /** {@code topK} different experts for each token. */
  static Fill choices(int experts, int topK) {
    return (random, length, drawn) -> {
      double[] chosen = new double[length];
      for (int token = 0; token < length / topK; token++) {
        int[] order = new int[experts];
        for (int i = 0; i < experts; i++) {
          int other = random.nextInt(i + 1);
          order[i] = order[other];
          order[other] = i;
        }
        for (int i = 0; i < topK; i++) {
          chosen[token * topK + i] = order[i];
        }
      }
      return chosen;
    };
  }
}
