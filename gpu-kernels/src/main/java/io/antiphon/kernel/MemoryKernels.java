package io.antiphon.kernel;

import io.antiphon.device.Arguments;
import io.antiphon.device.Device;
import io.antiphon.device.Grid;
import io.antiphon.device.Kernel;
import io.antiphon.device.KernelModule;
import io.antiphon.device.KernelSource;
import io.antiphon.device.Kernels;
import io.antiphon.device.Stream;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.OpParts;
import io.antiphon.tensor.Tensor;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Clears, copies and additions: memory.cu. */
final class MemoryKernels implements OpParts.Memory {
  private final CudaQueue queue;
  private static final int THREADS = 256;
  private static final int ELEMENTS_PER_THREAD = 8;

  private final Device device;
  private final Kernel zero;
  private final Map<DType, Map<DType, Kernel>> copies = new EnumMap<>(DType.class);
  private final Map<DType, Map<DType, Kernel>> additions = new EnumMap<>(DType.class);
  private final Map<DType, Map<DType, Kernel>> rowAdditions = new EnumMap<>(DType.class);

  MemoryKernels(CudaQueue queue, Kernels kernels) {
    this.queue = queue;
    device = kernels.device();
    KernelModule module = kernels.load(source());
    zero = module.kernel("zero_bytes");
    for (DType from : DType.values()) {
      for (DType to : DType.values()) {
        put(copies, from, to, module.kernel(copy(from, to)));
        if (from.isFloating() == to.isFloating()) {
          put(additions, from, to, module.kernel(add(from, to)));
        }
        if (from.isFloating() && to.isFloating()) {
          put(rowAdditions, from, to, module.kernel(addRow(from, to)));
        }
      }
    }
  }

  static KernelSource source() {
    List<String> names = new ArrayList<>(List.of("zero_bytes"));
    for (DType from : DType.values()) {
      for (DType to : DType.values()) {
        names.add(copy(from, to));
        if (from.isFloating() == to.isFloating()) {
          names.add(add(from, to));
        }
        if (from.isFloating() && to.isFloating()) {
          names.add(addRow(from, to));
        }
      }
    }
    return new KernelSource("memory.cu", names, KernelSource.Target.PORTABLE);
  }

  private static String copy(DType from, DType to) {
    return "copy_elements<" + CudaType.of(from) + ", " + CudaType.of(to) + ">";
  }

  private static String add(DType from, DType to) {
    return "add_elements<" + CudaType.of(from) + ", " + CudaType.of(to) + ">";
  }

  private static String addRow(DType from, DType to) {
    return "add_row<" + CudaType.of(from) + ", " + CudaType.of(to) + ">";
  }

  private static void put(
      Map<DType, Map<DType, Kernel>> kernels, DType from, DType to, Kernel kernel) {
    kernels.computeIfAbsent(from, type -> new EnumMap<>(DType.class)).put(to, kernel);
  }

  private static Kernel get(Map<DType, Map<DType, Kernel>> kernels, Tensor from, Tensor to) {
    return Objects.requireNonNull(kernels.getOrDefault(from.dtype(), Map.of()).get(to.dtype()));
  }

  @Override
  public void zero(Tensor tensor) {
    zero(queue.forOperation(), tensor);
  }

  void zero(Stream stream, Tensor tensor) {
    zero(stream, CudaStorage.address(tensor), tensor.elements() * tensor.dtype().bytes());
  }

  /** Writes zeros to {@code bytes} bytes of device memory. */
  void zero(Stream stream, long address, long bytes) {
    if (bytes > 0) {
      zero.launch(
          stream,
          Grid.striding((bytes + 15) / 16, THREADS, device),
          new Arguments().address(address).i64(bytes));
    }
  }

  @Override
  public void copy(Tensor from, Tensor to) {
    Stream stream = queue.forOperation();
    elements(stream, get(copies, from, to), from, to);
  }

  @Override
  public void add(Tensor x, Tensor into) {
    Stream stream = queue.forOperation();
    elements(stream, get(additions, x, into), x, into);
  }

  private void elements(Stream stream, Kernel kernel, Tensor from, Tensor to) {
    if (from.elements() > 0) {
      kernel.launch(
          stream,
          grid(from.elements()),
          new Arguments()
              .address(CudaStorage.address(from))
              .i64(from.elements())
              .address(CudaStorage.address(to)));
    }
  }

  @Override
  public void addRow(Tensor row, Tensor x) {
    Stream stream = queue.forOperation();
    if (x.elements() > 0) {
      get(rowAdditions, row, x)
          .launch(
              stream,
              grid(x.elements()),
              new Arguments()
                  .address(CudaStorage.address(row))
                  .i64(x.shape().extent(0))
                  .i64(x.shape().extent(1))
                  .address(CudaStorage.address(x)));
    }
  }

  private Grid grid(long elements) {
    long threads = (elements + ELEMENTS_PER_THREAD - 1) / ELEMENTS_PER_THREAD;
    return Grid.striding(threads, THREADS, device);
  }
}
