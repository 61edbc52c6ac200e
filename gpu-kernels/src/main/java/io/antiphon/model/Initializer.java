package io.antiphon.model;

import io.antiphon.tensor.Backend;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.HostIo;
import io.antiphon.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.stream.IntStream;

/**
 * Initial weights, the same for any number of ranks: every number is a function of the seed, the
 * global name of its parameter and its place in it.
 */
final class Initializer {
  private static final int CHUNK = 1 << 20;

  private final HostIo io;
  private final long seed;

  Initializer(Backend backend, long seed) {
    this.io = backend.hostIo();
    this.seed = seed;
  }

  /** Overwrites the masters; the weights follow by {@link ModelState#refreshWeights}. */
  void initialize(ParameterRegistry registry) {
    for (Parameter parameter : registry.parameters()) {
      Tensor master = parameter.tensors().master();
      if (parameter.sharding() == Parameter.Sharding.EXPERT) {
        for (int local = 0; local < parameter.shape().intExtent(0); local++) {
          fill(
              parameter,
              parameter.expertName(parameter.firstExpert() + local),
              master.rows(local, 1));
        }
      } else {
        fill(parameter, parameter.name(), master);
      }
    }
  }

  private void fill(Parameter parameter, String name, Tensor target) {
    long key = mix(seed ^ mix(hash(name)));
    long elements = target.elements();
    DType dtype = target.dtype();
    int size = dtype.bytes();
    int most = (int) Math.min(elements, CHUNK);
    ByteBuffer chunk = ByteBuffer.allocate(most * size).order(ByteOrder.LITTLE_ENDIAN);
    for (long first = 0; first < elements; first += CHUNK) {
      long start = first;
      int count = (int) Math.min(elements - first, CHUNK);
      // Each number depends on its place alone, so the processors can share them.
      IntStream.range(0, count)
          .parallel()
          .forEach(i -> put(chunk, i * size, dtype, initial(parameter, key, start + i)));
      io.write(target, first, chunk.slice(0, count * size).order(ByteOrder.LITTLE_ENDIAN));
    }
  }

  /** Rounded to fp32, so that backends of any precision start from the same weights. */
  private static float initial(Parameter parameter, long key, long element) {
    return (float) (parameter.initialValue() + parameter.initialStd() * normal(key, element));
  }

  private static void put(ByteBuffer chunk, int place, DType dtype, float value) {
    if (dtype == DType.F64) {
      chunk.putDouble(place, value);
    } else {
      chunk.putFloat(place, value);
    }
  }

  /** A fixed vector of standard normal numbers, keyed by seed and name. */
  static double[] normals(long seed, String name, int length) {
    long key = mix(seed ^ mix(hash(name)));
    double[] values = new double[length];
    for (int i = 0; i < length; i++) {
      values[i] = normal(key, i);
    }
    return values;
  }

  /** Box-Muller over a counter-based generator. */
  private static double normal(long key, long counter) {
    double first = ((mix(key + 2 * counter) >>> 11) + 1) * 0x1.0p-53;
    double second = (mix(key + 2 * counter + 1) >>> 11) * 0x1.0p-53;
    return Math.sqrt(-2 * Math.log(first)) * Math.cos(2 * Math.PI * second);
  }

  /** Finalizer of SplitMix64 over a Weyl step. */
  private static long mix(long value) {
    long z = value * 0x9E3779B97F4A7C15L + 0x9E3779B97F4A7C15L;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  /** FNV-1a over the name's bytes. */
  private static long hash(String name) {
    long hash = 0xcbf29ce484222325L;
    for (byte b : name.getBytes(StandardCharsets.UTF_8)) {
      hash = (hash ^ (b & 0xff)) * 0x100000001b3L;
    }
    return hash;
  }
}
