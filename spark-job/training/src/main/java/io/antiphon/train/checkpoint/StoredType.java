package io.antiphon.train.checkpoint;

import java.util.Optional;

/** The element types of stored tensors; each constant's name is its safetensors dtype. */
public enum StoredType {
  /** IEEE 754 double precision. */
  F64(8),
  /** IEEE 754 single precision. */
  F32(4),
  /** The upper half of an {@link #F32}. */
  BF16(2),
  /** Signed, two's complement. */
  I64(8),
  /** Signed, two's complement. */
  I32(4),
  /** Unsigned. */
  U8(1);

  private final int bytes;

  StoredType(int bytes) {
    this.bytes = bytes;
  }

  /** The size of one element. */
  public int bytes() {
    return bytes;
  }

  static Optional<StoredType> named(String dtype) {
    for (StoredType type : values()) {
      if (type.name().equals(dtype)) {
        return Optional.of(type);
      }
    }
    return Optional.empty();
  }
}
