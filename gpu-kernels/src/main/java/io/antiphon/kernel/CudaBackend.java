package io.antiphon.kernel;

import io.antiphon.device.CubinCache;
import io.antiphon.device.Cuda;
import io.antiphon.device.CudaCalls;
import io.antiphon.device.Device;
import io.antiphon.device.DeviceException;
import io.antiphon.device.DeviceMemory;
import io.antiphon.device.Event;
import io.antiphon.device.Graph;
import io.antiphon.device.Kernels;
import io.antiphon.device.OutOfDeviceMemory;
import io.antiphon.device.PinnedMemory;
import io.antiphon.tensor.Backend;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.HostIo;
import io.antiphon.tensor.Ops;
import io.antiphon.tensor.StepGraph;
import io.antiphon.tensor.Storage;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One CUDA device of one rank: bf16 with fp32 accumulation, masters and gradients in fp32; or, to
 * check results, fp32 throughout without TF32. Used by the thread that opened it.
 */
public final class CudaBackend implements Backend {
  private static final Duration POLL = Duration.ofNanos(20_000);
  private static final Duration SETTLING = Duration.ofSeconds(20);
  private static final int TRANSFER_PRIORITY = -1;
  private static final Logger LOG = LoggerFactory.getLogger(CudaBackend.class);

  private final Device device;
  private final DType real;
  private final Kernels kernels;
  private final CudaLane compute;
  private final CudaLane transfer;
  private final CudaHostIo hostIo;
  private final CudaOps ops;
  private final OpCounter operations = new OpCounter();
  private final List<Companion> companions = new ArrayList<>();
  private final List<CudaStorage> keptForNow = new ArrayList<>();
  private final List<Graph> graphsKeptForNow = new ArrayList<>();

  private CudaBackend(Device device, DType real, Path kernelCache) {
    this.device = device;
    this.real = real;
    kernels = new Kernels(device, new CubinCache(kernelCache));
    compute = new CudaLane(device, 0);
    transfer = new CudaLane(device, TRANSFER_PRIORITY);
    hostIo = new CudaHostIo(device, compute, transfer);
    ops = CudaOps.load(kernels, new CudaQueue(compute, operations), real);
  }

  /**
   * Opens a device for the calling thread.
   *
   * @param ordinal number of the device among those this process sees
   * @param computeType BF16, or F32 to check results
   * @param kernelCache folder of compiled kernels
   * @throws DeviceException if there is no such device, or a library is missing
   */
  public static CudaBackend open(int ordinal, DType computeType, Path kernelCache) {
    if (computeType != DType.BF16 && computeType != DType.F32) {
      throw new IllegalArgumentException(
          "a CUDA device computes in BF16 or F32, not in " + computeType);
    }
    Device device = Device.open(ordinal);
    device
        .heap()
        .advise(
            "Lower schedule.micro-batch, moe.token-capacity, model.sequence-length or the model, or"
                + " set model.recompute = true");
    try {
      return new CudaBackend(device, computeType, kernelCache);
    } catch (RuntimeException | Error e) {
      try {
        device.close();
      } catch (RuntimeException more) {
        e.addSuppressed(more);
      }
      throw e;
    }
  }

  @Override
  public String description() {
    return device + ", CUDA " + Cuda.version() + ", " + (real == DType.BF16 ? "bf16" : "fp32");
  }

  @Override
  public DType computeType() {
    return real;
  }

  @Override
  public DType masterType() {
    return DType.F32;
  }

  /** The device. */
  public Device device() {
    return device;
  }

  /** Compiles and loads kernels. */
  public Kernels kernels() {
    return kernels;
  }

  /** CUDA calls of this rank so far. */
  public CudaCalls cudaCalls() {
    return device.calls();
  }

  /** Counts operations while a step is recorded. */
  public OpCounter operations() {
    return operations;
  }

  /** Adds a second user of this backend's memory and work; {@link #close} closes it. */
  public void add(Companion companion) {
    companions.add(companion);
  }

  @Override
  public Storage allocate(String name, DType dtype, long elements) {
    try {
      DeviceMemory memory =
          device.heap().allocate(name, Math.multiplyExact(elements, dtype.bytes()));
      return new CudaStorage(dtype, elements, memory.address(), memory);
    } catch (OutOfDeviceMemory e) {
      throw new OutOfMemory(device + ": " + e.getMessage(), e);
    }
  }

  @Override
  public Storage allocateHostVisible(String name, DType dtype, long elements) {
    PinnedMemory memory =
        device.heap().pinned(Math.max(1, Math.multiplyExact(elements, dtype.bytes())));
    return new CudaStorage(dtype, elements, memory.deviceAddress(), memory);
  }

  @Override
  public void free(Storage storage) {
    CudaStorage memory = (CudaStorage) storage;
    if (device.releases().isSuspect()) {
      keptForNow.add(memory); // nobody is waited for before all know of the failure
    } else {
      freeNow(memory);
    }
  }

  private void freeNow(CudaStorage memory) {
    if (device.releases().isLost()) {
      return;
    }
    boolean unused = true;
    for (Companion companion : companions) {
      unused &= companion.letsGo(memory); // all are asked: each tells its peers
    }
    if (unused) {
      memory.memory().close();
    } else {
      memory.memory().keep();
    }
  }

  @Override
  public CudaLane computeLane() {
    return compute;
  }

  @Override
  public CudaLane transferLane() {
    return transfer;
  }

  @Override
  public Ops ops() {
    return ops.ops();
  }

  @Override
  public HostIo hostIo() {
    return hostIo;
  }

  @Override
  public StepGraph record(Runnable step) {
    operations.start();
    Graph graph;
    int count;
    try {
      graph =
          Graph.capture(
              device,
              compute.stream(),
              () -> {
                // Both lanes take part in the capture, so that marks of either can be awaited.
                transfer.await(compute.record());
                step.run();
                compute.await(transfer.record());
              });
    } finally {
      count = operations.stop();
    }
    transfer.takeUsed();
    companions.forEach(Companion::stepIsReady);
    return new CudaStepGraph(this, graph, compute, count);
  }

  @Override
  public void synchronize(Duration limit) {
    if (!drain(limit, this::requireHealthy)) {
      throw new DeviceException(
          device.name() + " has not finished the enqueued work after " + limit.toSeconds() + " s",
          null);
    }
    requireHealthy();
  }

  /** Waits for the work enqueued so far, healthy or not; false if it takes longer than that. */
  public boolean drain(Duration limit) {
    return drain(limit, () -> {});
  }

  private boolean drain(Duration limit, Runnable meanwhile) {
    boolean done = ends(limit, meanwhile);
    if (!done) {
      device.releases().suspect();
    }
    return done;
  }

  private boolean ends(Duration limit, Runnable meanwhile) {
    long deadline = System.nanoTime() + limit.toNanos();
    try (Event computed = device.event();
        Event transferred = device.event()) {
      compute.stream().record(computed);
      transfer.stream().record(transferred);
      while (!computed.isReached() || !transferred.isReached()) {
        meanwhile.run();
        if (System.nanoTime() - deadline > 0) {
          return false;
        }
        LockSupport.parkNanos(POLL.toNanos());
      }
      return true;
    }
  }

  @Override
  public void requireHealthy() {
    try {
      companions.forEach(Companion::requireHealthy);
    } catch (RuntimeException e) {
      device.releases().suspect();
      throw e;
    }
  }

  @Override
  public void requireAlive() {
    requireHealthy();
    compute.stream().requireAlive();
  }

  /**
   * Gives back what this backend holds, in an order in which nothing goes before what uses it. A
   * failure of one does not keep the others.
   */
  @Override
  public void close() {
    List<AutoCloseable> order = new ArrayList<>();
    order.add(this::closeGraphs); // companions wait for steps that use them
    order.addAll(companions);
    Collections.reverse(order.subList(1, order.size())); // the newest knows the older ones
    order.add(this::settle); // from here on all work has ended, or the device is lost
    order.add(this::closeOps);
    order.add(hostIo);
    order.add(transfer);
    order.add(compute);
    order.add(kernels);
    order.add(device);
    RuntimeException first = null;
    for (AutoCloseable each : order) {
      try {
        close(each);
      } catch (RuntimeException e) {
        if (first == null) {
          first = e;
        } else {
          first.addSuppressed(e);
        }
      }
    }
    if (first != null) {
      throw first;
    }
  }

  /** A rank that fails tells the others first: in a device that hangs, this may last. */
  private void close(Graph graph) {
    if (device.releases().isSuspect()) {
      graphsKeptForNow.add(graph);
    } else {
      graph.close();
    }
  }

  private void closeGraphs() {
    graphsKeptForNow.forEach(Graph::close);
    graphsKeptForNow.clear();
  }

  /** Waits after a failure until all work on the device ends, then frees what was kept. */
  private void settle() {
    if (device.releases().isSuspect() && !device.releases().settle(SETTLING)) {
      LOG.warn(
          "device {} is lost to this process, which keeps what it holds there", device.ordinal());
    }
    keptForNow.forEach(this::freeNow);
    keptForNow.clear();
  }

  private void closeOps() {
    if (!device.releases().isLost()) { // a library would call CUDA
      ops.close();
    }
  }

  private static void close(AutoCloseable closeable) {
    try {
      closeable.close();
    } catch (RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new IllegalStateException("closing failed", e);
    }
  }

  /** A captured step. */
  private record CudaStepGraph(CudaBackend backend, Graph graph, CudaLane lane, int operations)
      implements StepGraph {
    @Override
    public void replay() {
      graph.launch(lane.stream());
    }

    @Override
    public void close() {
      backend.close(graph);
    }
  }
}
