package io.antiphon.kernel;

import io.antiphon.device.Arguments;
import io.antiphon.device.CubinCache;
import io.antiphon.device.DenseGemm;
import io.antiphon.device.Device;
import io.antiphon.device.DeviceException;
import io.antiphon.device.DeviceMemory;
import io.antiphon.device.Event;
import io.antiphon.device.Grid;
import io.antiphon.device.Kernel;
import io.antiphon.device.KernelSource;
import io.antiphon.device.Kernels;
import io.antiphon.device.PinnedMemory;
import io.antiphon.device.Stream;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

/**
 * What a device does when it is asked to: one kernel of training is compiled or found, loaded, run,
 * and its numbers are checked; a small matrix product likewise. Used by the thread that opened the
 * device.
 */
public final class DeviceTrial {
  private static final String FILE = "memory.cu";
  private static final String NAME = "add_elements<float, float>";
  private static final int ELEMENTS = 10_007; // no multiple of a word, a warp or a block
  private static final int BYTES = ELEMENTS * Float.BYTES;
  private static final int THREADS = 256;
  private static final int SIDE = 32;

  private final Device device;

  /** Trials of {@code device}. */
  public DeviceTrial(Device device) {
    this.device = device;
  }

  /**
   * What a kernel took.
   *
   * @param file of device code that it is in
   * @param compiler version of NVRTC, as "13.0"
   * @param fromCache whether its machine code was found rather than compiled
   * @param loading time to compile, or find, and load it
   * @param running time on the device
   */
  public record KernelRun(
      String file, String compiler, boolean fromCache, Duration loading, Duration running) {}

  static KernelSource source() {
    return new KernelSource(FILE, List.of(NAME), KernelSource.Target.PORTABLE);
  }

  /**
   * Adds numbers with a kernel.
   *
   * @throws DeviceException if a library is missing, or the sums are wrong
   */
  public KernelRun kernel(CubinCache cache) {
    long start = System.nanoTime();
    int before = cache.compiled();
    try (Kernels kernels = new Kernels(device, cache);
        Stream stream = device.stream(0);
        PinnedMemory host = device.heap().pinned(BYTES);
        DeviceMemory terms = device.heap().allocate("terms of a trial", BYTES);
        DeviceMemory sums = device.heap().allocate("sums of a trial", BYTES);
        Event started = device.timingEvent();
        Event ended = device.timingEvent()) {
      Kernel kernel = kernels.load(source()).kernel(NAME);
      Duration loading = Duration.ofNanos(System.nanoTime() - start);
      for (int i = 0; i < ELEMENTS; i++) {
        host.bytes().putFloat(i * Float.BYTES, i);
      }
      stream.upload(host, 0, terms.address(), BYTES);
      stream.upload(host, 0, sums.address(), BYTES);
      stream.record(started);
      kernel.launch(
          stream,
          Grid.striding(ELEMENTS, THREADS, device),
          new Arguments().address(terms.address()).i64(ELEMENTS).address(sums.address()));
      stream.record(ended);
      stream.download(sums.address(), host, 0, BYTES);
      stream.synchronize();
      for (int i = 0; i < ELEMENTS; i++) {
        requireEqual(NAME, i, 2 * i, host.bytes().getFloat(i * Float.BYTES));
      }
      return new KernelRun(
          FILE,
          cache.compilerVersion(),
          cache.compiled() == before,
          loading,
          Duration.ofNanos((long) (1e6 * ended.millisecondsSince(started))));
    }
  }

  /**
   * Multiplies matrices with cuBLASLt.
   *
   * @throws DeviceException if a library is missing, or the product is wrong
   */
  public void product() {
    int bytes = SIDE * SIDE * Float.BYTES;
    try (DenseGemm gemm = new DenseGemm();
        Stream stream = device.stream(0);
        PinnedMemory host = device.heap().pinned(bytes);
        DeviceMemory matrix = device.heap().allocate("a matrix of a trial", bytes);
        DeviceMemory product = device.heap().allocate("a product of a trial", bytes)) {
      for (int i = 0; i < SIDE * SIDE; i++) {
        host.bytes().putFloat(i * Float.BYTES, value(i / SIDE, i % SIDE));
      }
      stream.upload(host, 0, matrix.address(), bytes);
      DenseGemm.ElementType type = DenseGemm.ElementType.F32;
      gemm.multiply(
          stream,
          new DenseGemm.Operand(matrix.address(), type, false),
          new DenseGemm.Operand(matrix.address(), type, true),
          new DenseGemm.Operand(product.address(), type, false),
          SIDE,
          SIDE,
          SIDE,
          false);
      stream.download(product.address(), host, 0, bytes);
      stream.synchronize();
      for (int i = 0; i < SIDE * SIDE; i++) {
        int sum = 0;
        for (int j = 0; j < SIDE; j++) {
          sum += value(i / SIDE, j) * value(i % SIDE, j);
        }
        requireEqual("a product of cuBLASLt", i, sum, host.bytes().getFloat(i * Float.BYTES));
      }
    }
  }

  /** Small whole numbers, whose products and sums are exact in fp32. */
  private static int value(int row, int column) {
    return (7 * row + 3 * column) % 5 - 2;
  }

  private void requireEqual(String what, int place, float expected, float actual) {
    if (expected != actual) {
      throw new DeviceException(
          String.format(
              Locale.ROOT,
              "%s on %s gave %s at place %d instead of %s: the device or its driver is broken",
              what,
              device.name(),
              actual,
              place,
              expected),
          null);
    }
  }
}
