package io.antiphon.kernel;

import io.antiphon.device.Block;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.Storage;
import io.antiphon.tensor.Tensor;

/** A block of memory that a device reaches: its own, or page-locked memory of the host. */
public final class CudaStorage implements Storage {
  private final DType dtype;
  private final long elements;
  private final long address;
  private final Block memory;

  CudaStorage(DType dtype, long elements, long address, Block memory) {
    this.dtype = dtype;
    this.elements = elements;
    this.address = address;
    this.memory = memory;
  }

  @Override
  public DType dtype() {
    return dtype;
  }

  @Override
  public long elements() {
    return elements;
  }

  /** Device address of the first element. */
  public long address() {
    return address;
  }

  Block memory() {
    return memory;
  }

  /** Device address of the first element of {@code tensor}, which is on a device. */
  public static long address(Tensor tensor) {
    return of(tensor).address + tensor.offset() * tensor.dtype().bytes();
  }

  /** The storage of {@code tensor}, which is on a device. */
  public static CudaStorage of(Tensor tensor) {
    return (CudaStorage) tensor.storage();
  }
}
