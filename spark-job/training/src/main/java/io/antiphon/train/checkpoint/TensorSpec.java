package io.antiphon.train.checkpoint;

import io.antiphon.conf.Printable;
import java.util.List;

/**
 * What is known of a stored tensor without its values.
 *
 * @param name unique in its checkpoint, 1 to 512 characters, for example {@code
 *     layers.1.moe.experts.5.fc1.weight}
 * @param dtype the type of its elements
 * @param shape the dimensions, slowest first; none for a scalar, and a dimension may be 0
 */
public record TensorSpec(String name, StoredType dtype, List<Long> shape) {
  /**
   * Checks the name and the shape.
   *
   * @throws IllegalArgumentException if a limit is broken or the tensor's bytes overflow a long
   */
  public TensorSpec {
    if (name.isEmpty() || name.length() > Limits.NAME_CHARS || name.equals("__metadata__")) {
      throw new IllegalArgumentException(
          "tensor name must have 1 to "
              + Limits.NAME_CHARS
              + " characters and not be __metadata__, was "
              + Printable.of(name)
              + " of "
              + name.length());
    }
    shape = List.copyOf(shape);
    if (shape.size() > Limits.DIMENSIONS) {
      throw new IllegalArgumentException(
          "tensor %s has %d dimensions; the limit is %d"
              .formatted(Printable.of(name), shape.size(), Limits.DIMENSIONS));
    }
    long bytes = dtype.bytes();
    for (long dimension : shape) {
      if (dimension < 0) {
        throw new IllegalArgumentException(
            "tensor %s has a negative dimension in shape %s".formatted(Printable.of(name), shape));
      }
      if (dimension > 0 && bytes > Long.MAX_VALUE / dimension) {
        throw new IllegalArgumentException(
            "tensor %s of dtype %s and shape %s has more bytes than a 64-bit integer can count"
                .formatted(Printable.of(name), dtype, shape));
      }
      bytes *= dimension;
    }
  }

  /** The number of elements; 1 for a scalar. */
  public long elements() {
    long elements = 1;
    for (long dimension : shape) {
      elements = Math.multiplyExact(elements, dimension);
    }
    return elements;
  }

  /** The number of bytes all elements take. */
  public long bytes() {
    return Math.multiplyExact(elements(), (long) dtype.bytes());
  }
}
