package io.antiphon.tensor;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Reads and writes whole tensors as Java arrays, converting from and to the tensor's type. */
public final class HostValues {
  private final HostIo io;

  /** Values as seen through {@code io}. */
  public HostValues(HostIo io) {
    this.io = io;
  }

  /** All elements of a floating or integer tensor as doubles. */
  public double[] doubles(Tensor tensor) {
    ByteBuffer bytes = read(tensor);
    double[] values = new double[Math.toIntExact(tensor.elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] =
          switch (tensor.dtype()) {
            case F64 -> bytes.getDouble();
            case F32 -> bytes.getFloat();
            case BF16 -> Float.intBitsToFloat(bytes.getShort() << 16);
            case I32 -> bytes.getInt();
            case I64 -> bytes.getLong();
          };
    }
    return values;
  }

  /** All elements of an integer tensor. */
  public long[] longs(Tensor tensor) {
    ByteBuffer bytes = read(tensor);
    long[] values = new long[Math.toIntExact(tensor.elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] =
          switch (tensor.dtype()) {
            case I32 -> bytes.getInt();
            case I64 -> bytes.getLong();
            case F64, F32, BF16 ->
                throw new IllegalArgumentException(tensor + " is not of integers");
          };
    }
    return values;
  }

  /**
   * Overwrites {@code tensor} with {@code values}, rounded to its type; BF16 rounds to nearest
   * even.
   */
  public void write(Tensor tensor, double... values) {
    requireLength(tensor, values.length);
    ByteBuffer bytes = buffer(tensor);
    for (double value : values) {
      switch (tensor.dtype()) {
        case F64 -> bytes.putDouble(value);
        case F32 -> bytes.putFloat((float) value);
        case BF16 -> bytes.putShort(bf16((float) value));
        case I32 -> bytes.putInt(Math.toIntExact((long) value));
        case I64 -> bytes.putLong((long) value);
      }
    }
    io.write(tensor, 0, bytes.flip());
  }

  /** Overwrites an I32 tensor. */
  public void write(Tensor tensor, int[] values) {
    requireLength(tensor, values.length);
    tensor.require("tensor", DType.I32, tensor.shape());
    ByteBuffer bytes = buffer(tensor);
    for (int value : values) {
      bytes.putInt(value);
    }
    io.write(tensor, 0, bytes.flip());
  }

  private static short bf16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) ((bits >>> 16) | 0x40);
    }
    return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
  }

  private static void requireLength(Tensor tensor, int length) {
    if (tensor.elements() != length) {
      throw new IllegalArgumentException(length + " values do not fill " + tensor);
    }
  }

  private ByteBuffer read(Tensor tensor) {
    ByteBuffer bytes = buffer(tensor);
    io.read(tensor, 0, bytes);
    return bytes.rewind();
  }

  private static ByteBuffer buffer(Tensor tensor) {
    int bytes = Math.toIntExact(Math.multiplyExact(tensor.elements(), tensor.dtype().bytes()));
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
