package io.antiphon.train.checkpoint;

import java.util.List;

/**
 * A tensor to be written.
 *
 * @param spec its name, element type and shape
 * @param values its bytes, asked for once, in order
 */
public record TensorEntry(TensorSpec spec, ByteSource values) {
  /**
   * A tensor to be written.
   *
   * @throws IllegalArgumentException as {@link TensorSpec} does
   */
  public TensorEntry(String name, StoredType dtype, List<Long> shape, ByteSource values) {
    this(new TensorSpec(name, dtype, shape), values);
  }
}
