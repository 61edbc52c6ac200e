package io.antiphon.cpu;

import io.antiphon.tensor.Backend;
import io.antiphon.tensor.CheckedCollectives;
import io.antiphon.tensor.CheckedOps;
import io.antiphon.tensor.Collectives;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.HostIo;
import io.antiphon.tensor.Lane;
import io.antiphon.tensor.OpParts;
import io.antiphon.tensor.Ops;
import io.antiphon.tensor.StepGraph;
import io.antiphon.tensor.Storage;
import io.antiphon.tensor.Tensor;
import io.antiphon.transport.Transport;
import java.nio.ByteBuffer;
import java.time.Duration;

/**
 * The CPU as a backend: fp32 over a BLAS library, or fp64 in plain Java. Lanes run in order of the
 * calls.
 */
public final class CpuBackend implements Backend {
  private final DType real;
  private final Recorder recorder = new Recorder();
  private final Ops ops;
  private final String description;

  private CpuBackend(DType real, String description) {
    this.real = real;
    this.ops = new CheckedOps(real, real, real == DType.F64 ? f64Parts() : f32Parts());
    this.description = description;
  }

  /**
   * Single precision over the BLAS library, which uses {@code threads} threads per call in this
   * process.
   */
  public static CpuBackend f32(int threads) {
    return new CpuBackend(DType.F32, Blas.start(threads));
  }

  /** Double precision in plain Java: slow and simple, the oracle of every other backend. */
  public static CpuBackend f64() {
    return new CpuBackend(DType.F64, "CPU, plain Java, fp64");
  }

  private OpParts f32Parts() {
    F32Scratch scratch = new F32Scratch();
    F32Memory memory = new F32Memory(recorder, scratch);
    F32Gemm gemm = new F32Gemm(recorder);
    return new OpParts(
        memory,
        new CpuBatch(recorder),
        memory,
        new F32Norms(recorder, scratch),
        gemm,
        new F32Activations(recorder, scratch),
        new F32Attention(recorder, scratch),
        new F32Router(recorder, scratch),
        new CpuPlan(recorder),
        gemm,
        new F32Loss(recorder, scratch),
        new F32Optimizer(recorder, scratch));
  }

  private OpParts f64Parts() {
    F64Dense dense = new F64Dense(recorder);
    F64Training training = new F64Training(recorder);
    return new OpParts(
        new F64Memory(recorder),
        new CpuBatch(recorder),
        dense,
        dense,
        dense,
        new F64Activations(recorder),
        new F64Attention(recorder),
        new F64Router(recorder),
        new CpuPlan(recorder),
        new F64Experts(recorder),
        training,
        training);
  }

  @Override
  public String description() {
    return description;
  }

  @Override
  public DType computeType() {
    return real;
  }

  @Override
  public DType masterType() {
    return real;
  }

  @Override
  public Storage allocate(String name, DType dtype, long elements) {
    try {
      return CpuStorage.allocate(name, dtype, elements);
    } catch (OutOfMemoryError e) {
      throw new OutOfMemory(
          "no memory for "
              + name
              + ": "
              + elements * dtype.bytes() / 1048576
              + " MiB of "
              + dtype
              + ". Give the process more memory (ANTIPHON_MEMORY of submit/antiphon,"
              + " spark.executor-memory on a cluster), or lower schedule.micro-batch,"
              + " model.sequence-length or the model.",
          e);
    }
  }

  @Override
  public Storage allocateHostVisible(String name, DType dtype, long elements) {
    return allocate(name, dtype, elements);
  }

  @Override
  public void free(Storage storage) {
    ((CpuStorage) storage).free();
  }

  @Override
  public Lane computeLane() {
    return InOrder.LANE;
  }

  @Override
  public Lane transferLane() {
    return InOrder.LANE;
  }

  @Override
  public Ops ops() {
    return ops;
  }

  /**
   * Collectives over the ranks {@code members} of a transport.
   *
   * @param members ranks of the transport that form the group, ascending, with this rank among them
   */
  public Collectives collectives(Transport transport, int... members) {
    return new CheckedCollectives(new CpuCollectives(recorder, transport, members));
  }

  @Override
  public HostIo hostIo() {
    return CpuHostIo.INSTANCE;
  }

  @Override
  public StepGraph record(Runnable step) {
    return recorder.record(step);
  }

  @Override
  public void synchronize(Duration limit) {}

  @Override
  public void requireHealthy() {}

  @Override
  public void requireAlive() {}

  @Override
  public void close() {}

  /** One order for all lanes: a mark is always reached already. */
  private enum InOrder implements Lane {
    LANE;

    private static final Mark REACHED = new Mark() {};

    @Override
    public Mark record() {
      return REACHED;
    }

    @Override
    public void await(Mark mark) {}
  }

  /** Direct access: operations have finished when their call returns. */
  private enum CpuHostIo implements HostIo {
    INSTANCE;

    @Override
    public void read(Tensor from, long firstElement, ByteBuffer into) {
      HostIo.requireInside(from, firstElement, into);
      ((CpuStorage) from.storage()).read(from.offset() + firstElement, into);
    }

    @Override
    public void write(Tensor to, long firstElement, ByteBuffer bytes) {
      HostIo.requireInside(to, firstElement, bytes);
      ((CpuStorage) to.storage()).write(to.offset() + firstElement, bytes);
    }

    @Override
    public void peek(Tensor from, long firstElement, ByteBuffer into) {
      read(from, firstElement, into);
    }
  }
}
