package io.antiphon.tensor;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Every buffer of a run, declared before the first step; its printout is the memory plan. */
public final class Arena implements AutoCloseable {
  /** What a buffer is for. */
  public enum Category {
    /** Weights that enter a GEMM. */
    PARAMETER,
    /** Gradients of the weights. */
    GRADIENT,
    /** Master weights and optimizer moments. */
    OPTIMIZER,
    /** Kept between forward and backward. */
    SAVED,
    /** Free again after the layer that uses it. */
    SCRATCH,
    /** Batches, records, statistics, flags. */
    INPUT_OUTPUT;

    /** Name in a memory plan. */
    public String label() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  private record Buffer(String name, Category category, Storage storage) {
    long bytes() {
      return storage.elements() * storage.dtype().bytes();
    }
  }

  private final Backend backend;
  private final List<Buffer> buffers = new ArrayList<>();
  private final List<Storage> hostBuffers = new ArrayList<>();
  private final Map<String, Tensor> shared = new HashMap<>();

  /** An empty arena on {@code backend}. */
  public Arena(Backend backend) {
    this.backend = backend;
  }

  /** A zeroed buffer of its own, alive until this arena closes. */
  public Tensor own(String name, Category category, DType dtype, Shape shape) {
    Storage storage = backend.allocate(name, dtype, shape.elements());
    buffers.add(new Buffer(name, category, storage));
    return Tensor.of(storage, shape);
  }

  /**
   * A buffer that every caller with the same name gets: alive only within one layer, so layers
   * reuse it.
   *
   * @throws IllegalArgumentException if the name is taken by a buffer of another type or shape
   */
  public Tensor shared(String name, Category category, DType dtype, Shape shape) {
    Tensor known = shared.get(name);
    if (known == null) {
      known = own(name, category, dtype, shape);
      shared.put(name, known);
    }
    known.require("shared buffer " + name, dtype, shape);
    return known;
  }

  /**
   * A zeroed buffer in host memory that enqueued work writes and {@link HostIo#peek} reads, alive
   * until this arena closes. It takes no device memory and is not in the memory plan.
   */
  public Tensor hostVisible(String name, DType dtype, Shape shape) {
    Storage storage = backend.allocateHostVisible(name, dtype, shape.elements());
    hostBuffers.add(storage);
    return Tensor.of(storage, shape);
  }

  /** Bytes declared so far in one category. */
  public long bytes(Category category) {
    return buffers.stream().filter(b -> b.category() == category).mapToLong(Buffer::bytes).sum();
  }

  /** Bytes declared so far. */
  public long bytes() {
    return buffers.stream().mapToLong(Buffer::bytes).sum();
  }

  /** The memory plan in one line: MiB per category and in all. */
  public String plan() {
    Map<Category, Long> totals = new EnumMap<>(Category.class);
    for (Buffer buffer : buffers) {
      totals.merge(buffer.category(), buffer.bytes(), Long::sum);
    }
    StringBuilder text = new StringBuilder();
    totals.forEach(
        (category, bytes) ->
            text.append(
                String.format(Locale.ROOT, "%s %.1f MiB, ", category.label(), bytes / 1048576.0)));
    return text + String.format(Locale.ROOT, "in all %.1f MiB", bytes() / 1048576.0);
  }

  @Override
  public void close() {
    for (int i = buffers.size() - 1; i >= 0; i--) {
      backend.free(buffers.get(i).storage());
    }
    hostBuffers.forEach(backend::free);
    hostBuffers.clear();
    buffers.clear();
    shared.clear();
  }
}
