package io.antiphon.cpu;

import io.antiphon.tensor.Backend;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.HostValues;
import io.antiphon.tensor.Ops;
import io.antiphon.tensor.PlanTensors;
import io.antiphon.tensor.RowTensors;
import io.antiphon.tensor.Shape;
import io.antiphon.tensor.StepState;
import io.antiphon.tensor.Storage;
import io.antiphon.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** Tensors with given values on one backend, for tests that say what comes out. */
final class TestTensors implements AutoCloseable {
  private final Backend backend;
  private final List<Storage> storages = new ArrayList<>();
  private final HostValues values;

  TestTensors(Backend backend) {
    this.backend = backend;
    this.values = new HostValues(backend.hostIo());
  }

  Ops ops() {
    return backend.ops();
  }

  /** Zeros. */
  Tensor of(DType dtype, long... shape) {
    Shape extents = Shape.of(shape);
    Storage storage = backend.allocate("test", dtype, extents.elements());
    storages.add(storage);
    return Tensor.of(storage, extents);
  }

  /** Frees all tensors. */
  @Override
  public void close() {
    storages.forEach(backend::free);
    storages.clear();
  }

  /** Zeros of the compute type. */
  Tensor real(long... shape) {
    return of(backend.computeType(), shape);
  }

  /** A vector of the compute type; give it a shape by {@link Tensor#reshape}. */
  Tensor reals(double... numbers) {
    Tensor tensor = real(numbers.length);
    values.write(tensor, numbers);
    return tensor;
  }

  Tensor doubles(double... numbers) {
    Tensor tensor = of(DType.F64, numbers.length);
    values.write(tensor, numbers);
    return tensor;
  }

  Tensor ints(int... numbers) {
    Tensor tensor = of(DType.I32, numbers.length);
    values.write(tensor, numbers);
    return tensor;
  }

  double[] read(Tensor tensor) {
    return values.doubles(tensor);
  }

  long[] longs(Tensor tensor) {
    return values.longs(tensor);
  }

  void write(Tensor tensor, double... numbers) {
    values.write(tensor, numbers);
  }

  /** A state with nothing counted and no overflow. */
  StepState state() {
    return new StepState(
        of(DType.I64, 4),
        of(DType.I32, 1),
        of(DType.I64, 1),
        of(DType.I32, 1),
        of(DType.F64, 1),
        of(DType.F64, 1));
  }

  PlanTensors plan(int ranks, int slotsPerRank) {
    int slots = ranks * slotsPerRank;
    return new PlanTensors(of(DType.I32, slots), of(DType.I32, slots), of(DType.I32, ranks, slots));
  }

  RowTensors rows(int tokens, int topK, int physicalExperts) {
    return new RowTensors(
        of(DType.I32, tokens, topK), of(DType.I32, tokens, topK), of(DType.I32, physicalExperts));
  }
}
