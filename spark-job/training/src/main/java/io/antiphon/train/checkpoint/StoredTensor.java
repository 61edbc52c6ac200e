package io.antiphon.train.checkpoint;

/**
 * A tensor that was written.
 *
 * @param spec its name, element type and shape
 * @param crc32c CRC-32C of its bytes, in {@code [0, 2^32)}
 */
public record StoredTensor(TensorSpec spec, long crc32c) {
  /** Checks the range of the checksum. */
  public StoredTensor {
    if (crc32c >>> 32 != 0) {
      throw new IllegalArgumentException("CRC-32C must be in [0, 2^32), was " + crc32c);
    }
  }
}
