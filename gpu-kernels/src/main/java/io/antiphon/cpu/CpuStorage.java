package io.antiphon.cpu;

import io.antiphon.tensor.Backend;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.Storage;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import org.bytedeco.javacpp.FloatPointer;

/**
 * Memory of the CPU backend: Java arrays, but fp32 outside the heap, where the BLAS library reads
 * it without copies. Byte buffers that enter or leave are little-endian.
 */
@SuppressWarnings("ArrayRecordComponent") // storages are compared by identity only
sealed interface CpuStorage extends Storage {
  /** Copies elements {@code [first, ..)} into the buffer, from its position to its limit. */
  void read(long first, ByteBuffer into);

  /** Copies the buffer, from its position to its limit, to elements {@code [first, ..)}. */
  void write(long first, ByteBuffer from);

  /** Frees what the garbage collector does not. */
  default void free() {}

  /** Zeroed memory for {@code elements} of {@code dtype}. */
  static CpuStorage allocate(String name, DType dtype, long elements) {
    if (elements > Integer.MAX_VALUE - 8) {
      throw new Backend.OutOfMemory(
          "buffer "
              + name
              + " would have "
              + elements
              + " elements; the CPU backend holds at most "
              + (Integer.MAX_VALUE - 8)
              + " in one. Lower schedule.micro-batch, model.sequence-length or the model.");
    }
    int length = (int) elements;
    return switch (dtype) {
      case F64 -> new Doubles(new double[length]);
      case F32 -> Floats.zeroed(length);
      case I32 -> new Ints(new int[length]);
      case I64 -> new Longs(new long[length]);
      case BF16 ->
          throw new IllegalArgumentException("the CPU backend has no bf16 (buffer " + name + ")");
    };
  }

  /** Doubles of the oracle backend, and scalars. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Doubles(double[] values) implements CpuStorage {
    @Override
    public DType dtype() {
      return DType.F64;
    }

    @Override
    public long elements() {
      return values.length;
    }

    @Override
    public void read(long first, ByteBuffer into) {
      for (int i = (int) first; into.hasRemaining(); i++) {
        into.putDouble(values[i]);
      }
    }

    @Override
    public void write(long first, ByteBuffer from) {
      for (int i = (int) first; from.hasRemaining(); i++) {
        values[i] = from.getDouble();
      }
    }
  }

  /** Native fp32. */
  record Floats(FloatPointer pointer, FloatBuffer buffer) implements CpuStorage {
    static Floats zeroed(int length) {
      FloatPointer pointer = new FloatPointer(Math.max(1, length));
      FloatBuffer buffer = pointer.asBuffer().slice(0, length);
      org.bytedeco.javacpp.Pointer.memset(pointer, 0, (long) length * Float.BYTES);
      return new Floats(pointer, buffer);
    }

    @Override
    public DType dtype() {
      return DType.F32;
    }

    @Override
    public long elements() {
      return buffer.limit();
    }

    @Override
    public void read(long first, ByteBuffer into) {
      int length = into.remaining() / Float.BYTES;
      into.asFloatBuffer().put(0, buffer, (int) first, length);
      into.position(into.limit());
    }

    @Override
    public void write(long first, ByteBuffer from) {
      int length = from.remaining() / Float.BYTES;
      buffer.put((int) first, from.asFloatBuffer(), 0, length);
      from.position(from.limit());
    }

    @Override
    public void free() {
      pointer.deallocate();
    }
  }

  /** Indices and flags. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Ints(int[] values) implements CpuStorage {
    @Override
    public DType dtype() {
      return DType.I32;
    }

    @Override
    public long elements() {
      return values.length;
    }

    @Override
    public void read(long first, ByteBuffer into) {
      into.asIntBuffer().put(values, (int) first, into.remaining() / Integer.BYTES);
      into.position(into.limit());
    }

    @Override
    public void write(long first, ByteBuffer from) {
      from.asIntBuffer().get(values, (int) first, from.remaining() / Integer.BYTES);
      from.position(from.limit());
    }
  }

  /** Counters. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Longs(long[] values) implements CpuStorage {
    @Override
    public DType dtype() {
      return DType.I64;
    }

    @Override
    public long elements() {
      return values.length;
    }

    @Override
    public void read(long first, ByteBuffer into) {
      into.asLongBuffer().put(values, (int) first, into.remaining() / Long.BYTES);
      into.position(into.limit());
    }

    @Override
    public void write(long first, ByteBuffer from) {
      from.asLongBuffer().get(values, (int) first, from.remaining() / Long.BYTES);
      from.position(from.limit());
    }
  }
}
