package io.antiphon.cpu;

import io.antiphon.cpu.OpArgument.Access;
import io.antiphon.tensor.Backend;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.HostValues;
import io.antiphon.tensor.Ops;
import io.antiphon.tensor.Shape;
import io.antiphon.tensor.StepGraph;
import io.antiphon.tensor.Storage;
import io.antiphon.tensor.Tensor;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * The tensors of one {@link OpCase} on one backend. Each is a view inside a larger storage, at an
 * odd offset unless said otherwise; what lies around it, and rows that are out of play, hold NaN if
 * the operation must not read them and a sentinel if it must not write them.
 */
final class OpBench implements AutoCloseable, OpCase.Tensors {
  /** A number that no operation writes. */
  static final double SENTINEL = -77;

  /** Elements around a view whose address is no multiple of anything. */
  static final int ODD_GUARD = 5;

  private final Backend backend;
  private final OpCase opCase;
  private final int guard;
  private final HostValues values;
  private final Map<String, Storage> storages = new LinkedHashMap<>();
  private final Map<String, Tensor> tensors = new LinkedHashMap<>();

  OpBench(Backend backend, OpCase opCase) {
    this(backend, opCase, ODD_GUARD);
  }

  /**
   * @param guard elements before and after each view: decides on the alignment of its address
   */
  OpBench(Backend backend, OpCase opCase, int guard) {
    this.backend = backend;
    this.opCase = opCase;
    this.guard = guard;
    this.values = new HostValues(backend.hostIo());
    for (OpArgument argument : opCase.arguments()) {
      long elements = argument.shape().elements();
      DType dtype = argument.kind().on(backend);
      Storage storage = backend.allocate(argument.name(), dtype, elements + 2L * guard);
      storages.put(argument.name(), storage);
      tensors.put(
          argument.name(), whole(argument.name()).range(guard, elements).reshape(argument.shape()));
    }
  }

  private Tensor whole(String name) {
    Storage storage = storage(name);
    return Tensor.of(storage, Shape.of(storage.elements()));
  }

  private Storage storage(String name) {
    return Objects.requireNonNull(storages.get(name), name);
  }

  @Override
  public Tensor of(String name) {
    return Objects.requireNonNull(tensors.get(name), name);
  }

  /** Writes the values of {@code draw}, and poison wherever the operation has nothing to do. */
  void load(Draw draw) {
    for (OpArgument argument : opCase.arguments()) {
      values.write(whole(argument.name()), poisoned(argument, draw));
    }
  }

  private double[] poisoned(OpArgument argument, Draw draw) {
    int length = (int) argument.shape().elements();
    boolean floating = argument.kind().isRounded() || argument.kind() == OpArgument.Kind.F64;
    boolean mustNotRead = argument.access() == Access.READ && floating;
    double[] all = new double[length + 2 * guard];
    Arrays.fill(all, mustNotRead ? Double.NaN : SENTINEL);
    int live = argument.live(draw);
    if (argument.access() == Access.WRITTEN) {
      Arrays.fill(all, guard, guard + live, floating ? Double.NaN : SENTINEL);
    } else {
      System.arraycopy(draw.of(argument.name()), 0, all, guard, live);
    }
    return all;
  }

  /** Runs the operation at once. */
  void run() {
    opCase.enqueue(ops(), this);
  }

  void runPrepare() {
    opCase.enqueuePrepare(ops(), this);
  }

  void runForward() {
    opCase.enqueueForward(ops(), this);
  }

  /** Records the operation. */
  StepGraph record() {
    return backend.record(this::run);
  }

  private Ops ops() {
    return backend.ops();
  }

  /** The values of one argument. */
  double[] read(String argument) {
    return values.doubles(of(argument));
  }

  /** Overwrites one argument. */
  void write(String argument, double[] drawn) {
    values.write(of(argument), drawn);
  }

  /** The values of every argument as this backend holds them. */
  Draw read() {
    Draw draw = new Draw();
    tensors.keySet().forEach(name -> draw.put(name, read(name)));
    return draw;
  }

  /** Everything there is, poison included, to be compared bit by bit. */
  Map<String, double[]> image() {
    Map<String, double[]> image = new LinkedHashMap<>();
    storages.keySet().forEach(name -> image.put(name, values.doubles(whole(name))));
    return image;
  }

  /**
   * Fails if the operation changed what it only reads, or anything around its results, since {@code
   * before} was taken.
   */
  void requireOnlyResultsChanged(Map<String, double[]> before, Draw draw) {
    for (OpArgument argument : opCase.arguments()) {
      double[] was = Objects.requireNonNull(before.get(argument.name()));
      double[] is = values.doubles(whole(argument.name()));
      int mayChange = argument.isResult() ? argument.live(draw) : 0;
      for (int i = 0; i < is.length; i++) {
        boolean fixed = i < guard || i >= guard + mayChange;
        if (fixed && Double.compare(was[i], is[i]) != 0) {
          throw new AssertionError(
              String.format(
                  "%s: element %d of %s must stay %s, became %s",
                  opCase, i - guard, argument.name(), was[i], is[i]));
        }
      }
    }
  }

  @Override
  public void close() {
    storages.values().forEach(backend::free);
  }
}
