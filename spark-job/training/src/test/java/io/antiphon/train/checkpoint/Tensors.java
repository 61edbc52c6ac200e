package io.antiphon.train.checkpoint;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Tensors with reproducible contents. */
final class Tensors {
  private Tensors() {}

  /** An entry that supplies {@code bytes}. */
  static TensorEntry of(String name, StoredType dtype, List<Long> shape, byte[] bytes) {
    return new TensorEntry(
        name,
        dtype,
        shape,
        (offset, chunk) -> {
          if (chunk.order() != ByteOrder.LITTLE_ENDIAN || !chunk.isDirect()) {
            throw new AssertionError("a chunk must be off-heap and little-endian");
          }
          chunk.put(bytes, Math.toIntExact(offset), chunk.remaining());
        });
  }

  /** An entry whose bytes follow from its name and a seed. */
  static TensorEntry of(String name, StoredType dtype, List<Long> shape, long seed) {
    return of(name, dtype, shape, bytes(new TensorSpec(name, dtype, shape), seed));
  }

  /** The bytes of such an entry. */
  static byte[] bytes(TensorSpec spec, long seed) {
    byte[] bytes = new byte[Math.toIntExact(spec.bytes())];
    new SplittableRandom(seed * 31 + spec.name().hashCode()).nextBytes(bytes);
    return bytes;
  }

  /** Up to {@code limit} random specs: scalars, empty tensors and others. */
  static List<TensorSpec> random(SplittableRandom random, int limit) {
    List<TensorSpec> specs = new ArrayList<>();
    int count = random.nextInt(limit + 1);
    for (int i = 0; i < count; i++) {
      List<Long> shape = new ArrayList<>();
      int dimensions = random.nextInt(5);
      for (int d = 0; d < dimensions; d++) {
        shape.add(random.nextLong(6));
      }
      StoredType[] types = StoredType.values();
      specs.add(
          new TensorSpec(
              "layers." + i + ".w\u00e9ight#" + random.nextInt(10),
              types[random.nextInt(types.length)],
              shape));
    }
    return specs;
  }

  /** All bytes of a tensor in a file. */
  static byte[] read(SafetensorsReader reader, String name) {
    byte[] bytes = new byte[Math.toIntExact(reader.tensor(name).orElseThrow().bytes())];
    reader.read(name, 0, ByteBuffer.wrap(bytes));
    return bytes;
  }
}
