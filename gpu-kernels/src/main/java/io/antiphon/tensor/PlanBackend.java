package io.antiphon.tensor;

import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.time.Duration;

/**
 * A backend without memory, on which nothing runs: an {@link Arena} of what is built on it says how
 * much memory that would take.
 */
public final class PlanBackend implements Backend {
  private static final Lane.Mark MARK = new Lane.Mark() {};

  private final DType real;
  private final DType master;

  /** Plans for a backend that computes in {@code real} and keeps masters in {@code master}. */
  public PlanBackend(DType real, DType master) {
    this.real = real;
    this.master = master;
  }

  private record Planned(DType dtype, long elements) implements Storage {}

  /** A member of a group that does nothing. */
  public static Collectives collectives(int rank, int ranks) {
    return proxy(
        Collectives.class,
        name ->
            switch (name) {
              case "rank" -> rank;
              case "ranks" -> ranks;
              default -> 0;
            });
  }

  private interface Answers {
    int of(String method);
  }

  private static <T> T proxy(Class<T> type, Answers answers) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (self, method, arguments) ->
                method.getReturnType() == int.class ? answers.of(method.getName()) : null));
  }

  @Override
  public String description() {
    return "memory plan";
  }

  @Override
  public DType computeType() {
    return real;
  }

  @Override
  public DType masterType() {
    return master;
  }

  @Override
  public Storage allocate(String name, DType dtype, long elements) {
    return new Planned(dtype, elements);
  }

  @Override
  public Storage allocateHostVisible(String name, DType dtype, long elements) {
    return new Planned(dtype, elements);
  }

  @Override
  public void free(Storage storage) {}

  @Override
  public Lane computeLane() {
    return Nowhere.LANE;
  }

  @Override
  public Lane transferLane() {
    return Nowhere.LANE;
  }

  @Override
  public Ops ops() {
    return proxy(Ops.class, name -> 0);
  }

  @Override
  public HostIo hostIo() {
    return Nowhere.IO;
  }

  /** The step need not run: all memory is declared before. */
  @Override
  public StepGraph record(Runnable step) {
    return Nowhere.GRAPH;
  }

  @Override
  public void synchronize(Duration limit) {}

  @Override
  public void requireHealthy() {}

  @Override
  public void requireAlive() {}

  @Override
  public void close() {}

  /** Where nothing happens. */
  private static final class Nowhere implements Lane, HostIo, StepGraph {
    private static final Nowhere LANE = new Nowhere();
    private static final Nowhere IO = LANE;
    private static final Nowhere GRAPH = LANE;

    @Override
    public Mark record() {
      return MARK;
    }

    @Override
    public void await(Mark mark) {}

    @Override
    public void read(Tensor from, long firstElement, ByteBuffer into) {
      into.position(into.limit());
    }

    @Override
    public void write(Tensor to, long firstElement, ByteBuffer bytes) {
      bytes.position(bytes.limit());
    }

    @Override
    public void peek(Tensor from, long firstElement, ByteBuffer into) {
      into.position(into.limit());
    }

    @Override
    public void replay() {}

    @Override
    public int operations() {
      return 0;
    }

    @Override
    public void close() {}
  }
}
