package io.antiphon.kernel;

import io.antiphon.device.Arguments;
import io.antiphon.device.Device;
import io.antiphon.device.DeviceException;
import io.antiphon.device.Grid;
import io.antiphon.device.KernelSource;
import io.antiphon.device.LastResort;
import io.antiphon.device.SharedDevice;
import io.antiphon.tensor.CommException;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.Storage;
import io.antiphon.transport.Ranks;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Two ranks on one device, under one of which it fails. */
final class LostDeviceProcess {
  /** Exit code if all went as it should. */
  static final int AS_EXPECTED = 3;

  private static final int RANKS = 2;
  private static final Duration NOTICED = Duration.ofSeconds(10);
  private static final Duration CLOSED = Duration.ofSeconds(40);

  private final String kernel;
  private final Path kernels;
  private final CyclicBarrier all = new CyclicBarrier(RANKS);

  private LostDeviceProcess(String kernel, Path kernels) {
    this.kernel = kernel;
    this.kernels = kernels;
  }

  /** Arguments: "write_to" for a kernel that faults or "wait_for" for an endless one, folder. */
  public static void main(String[] arguments) {
    LostDeviceProcess process = new LostDeviceProcess(arguments[0], Path.of(arguments[1]));
    Ranks.run(
        RANKS,
        transport -> {
          process.rank(transport.rank());
          return transport.rank();
        });
    require(SharedDevice.anyLoss().isPresent(), "no loss is known");
    try {
      Device.open(0).close();
      throw new AssertionError("the lost device opened again");
    } catch (DeviceException e) {
      require(e.sticky(), "not sticky: " + e);
      System.err.println("opened again: " + e.getMessage());
    }
    LastResort.after(Duration.ofSeconds(10));
    System.exit(AS_EXPECTED);
  }

  private void rank(int rank) throws Exception {
    CudaBackend backend = CudaBackend.open(0, DType.F32, kernels);
    Storage numbers = backend.allocate("numbers", DType.F32, 1 << 20);
    all.await(1, TimeUnit.MINUTES);
    if (rank == 0) {
      launch(backend, kernel.equals("wait_for") ? ((CudaStorage) numbers).address() : 0);
    }
    all.await(1, TimeUnit.MINUTES);
    if (kernel.equals("write_to")) {
      noticeFault(backend);
    } else {
      noticeEndlessWork(backend, rank);
    }
    long start = System.nanoTime();
    backend.free(numbers);
    backend.close();
    Duration closing = Duration.ofNanos(System.nanoTime() - start);
    require(closing.compareTo(CLOSED) < 0, "closing took " + closing);
    System.err.println("rank " + rank + ": as expected, closed after " + closing);
  }

  private void launch(CudaBackend backend, long address) {
    KernelSource source =
        new KernelSource("test_kernels.cu", List.of(kernel), KernelSource.Target.PORTABLE);
    Arguments arguments = new Arguments().address(address);
    backend
        .kernels()
        .load(source)
        .kernel(kernel)
        .launch(backend.computeLane().stream(), Grid.of(1, 1), arguments);
  }

  private static void noticeFault(CudaBackend backend) {
    long deadline = System.nanoTime() + NOTICED.toNanos();
    try {
      while (System.nanoTime() < deadline) {
        backend.requireAlive();
        LockSupport.parkNanos(1_000_000);
      }
      throw new AssertionError("nobody noticed within " + NOTICED);
    } catch (DeviceException e) {
      require(e.sticky(), "not sticky: " + e);
    }
  }

  /** One rank finds that its work does not end, the other that its peer does not come. */
  private static void noticeEndlessWork(CudaBackend backend, int rank) {
    backend.requireAlive();
    try {
      if (rank == 0) {
        backend.synchronize(Duration.ofSeconds(1));
      } else {
        backend.add(new WaitingInVain());
        backend.requireHealthy();
      }
      throw new AssertionError("nobody noticed");
    } catch (DeviceException | CommException e) {
      System.err.println("rank " + rank + ": " + e.getMessage());
    }
  }

  /** A group whose other rank does not come. */
  private static final class WaitingInVain implements Companion {
    @Override
    public void requireHealthy() {
      throw new CommException("rank 1 waited for rank 0");
    }

    @Override
    public boolean letsGo(CudaStorage memory) {
      return true;
    }

    @Override
    public void close() {}
  }

  private static void require(boolean condition, String otherwise) {
    if (!condition) {
      throw new AssertionError(otherwise);
    }
  }
}
