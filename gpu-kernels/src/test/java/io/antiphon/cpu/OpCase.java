package io.antiphon.cpu;

import io.antiphon.cpu.OpArgument.Access;
import io.antiphon.cpu.OpArgument.Kind;
import io.antiphon.cpu.OpArgument.Trait;
import io.antiphon.tensor.Ops;
import io.antiphon.tensor.Shape;
import io.antiphon.tensor.StepState;
import io.antiphon.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * One operation at one size: its arguments, how random values for them are drawn, and the call. The
 * cases of {@link OpCases} say nothing about a backend, so that every backend can be held against
 * the oracle with them.
 */
public final class OpCase {
  /** The tensors of a case on some backend, by name. */
  interface Tensors {
    Tensor of(String name);

    /** The state of a step, whose tensors are named as in errors. */
    default StepState state() {
      return new StepState(
          of("state.counters"),
          of("state.overflow"),
          of("state.requiredRows"),
          of("state.apply"),
          of("state.learningRate"),
          of("state.clipFactor"));
    }
  }

  /** Enqueues operations on tensors of a case. */
  interface Call {
    void enqueue(Ops ops, Tensors tensors);
  }

  private static final Call NOTHING = (ops, tensors) -> {};

  private final String operation;
  private final String variant;
  private final List<OpArgument> arguments = new ArrayList<>();
  private final Map<String, String> gradients = new LinkedHashMap<>();
  private final Map<String, String> cotangents = new LinkedHashMap<>();
  private double roundings;
  private Call prepare = NOTHING;
  private Call forward = NOTHING;
  private Call call = NOTHING;

  /**
   * @param operation name of the method of {@link Ops}
   * @param variant tells the case from others of the operation
   */
  OpCase(String operation, Object... variant) {
    this.operation = operation;
    StringBuilder text = new StringBuilder();
    for (Object part : variant) {
      text.append(text.isEmpty() ? "" : " ").append(part);
    }
    this.variant = text.toString();
  }

  // ---- declaring

  OpCase with(Access access, String name, Kind kind, Trait trait, Fill fill, long... shape) {
    arguments.add(new OpArgument(name, kind, Shape.of(shape), access, trait, fill));
    return this;
  }

  OpCase read(String name, Kind kind, Fill fill, long... shape) {
    return with(Access.READ, name, kind, Trait.NONE, fill, shape);
  }

  OpCase written(String name, Kind kind, long... shape) {
    return with(Access.WRITTEN, name, kind, Trait.NONE, Fill.constant(0), shape);
  }

  OpCase added(String name, Kind kind, long... shape) {
    Fill fill = kind == Kind.I32 || kind == Kind.I64 ? Fill.integers(-9, 10) : Fill.normals();
    return with(Access.ADDED, name, kind, Trait.NONE, fill, shape);
  }

  OpCase updated(String name, Kind kind, Fill fill, long... shape) {
    return with(Access.UPDATED, name, kind, Trait.NONE, fill, shape);
  }

  OpCase forwardOnly(String name, Kind kind, Fill fill, long... shape) {
    return with(Access.FORWARD_ONLY, name, kind, Trait.NONE, fill, shape);
  }

  /** Does what {@link #read} does, with rows beyond the sum of "rowCounts" out of play. */
  OpCase readRows(String name, Kind kind, long... shape) {
    return with(Access.READ, name, kind, Trait.ROW_LIMITED, Fill.normals(), shape);
  }

  /** Does what {@link #written} does, with rows beyond the sum of "rowCounts" out of play. */
  OpCase writtenRows(String name, Kind kind, long... shape) {
    return with(Access.WRITTEN, name, kind, Trait.ROW_LIMITED, Fill.constant(0), shape);
  }

  /** The state of a step, of which the operation updates {@code updated} and reads the rest. */
  OpCase state(double apply, double overflow, String... updated) {
    Set<String> results = Set.of(updated);
    return state(results, "counters", Kind.I64, Fill.integers(0, 50), 4)
        .state(results, "overflow", Kind.I32, Fill.constant(overflow), 1)
        .state(results, "requiredRows", Kind.I64, Fill.integers(0, 9), 1)
        .state(results, "apply", Kind.I32, Fill.constant(apply), 1)
        .state(results, "learningRate", Kind.F64, Fill.uniform(0.001, 0.1), 1)
        .state(results, "clipFactor", Kind.F64, Fill.uniform(0.1, 1), 1);
  }

  private OpCase state(Set<String> updated, String name, Kind kind, Fill fill, int length) {
    Access access = updated.contains(name) ? Access.UPDATED : Access.READ;
    return with(access, "state." + name, kind, Trait.NONE, fill, length);
  }

  /**
   * How many roundings an element of a result goes through: the summed terms of its longest sum and
   * what happens to each. None unless said: then results are exact.
   */
  OpCase roundings(double number) {
    roundings = number;
    return this;
  }

  /** Runs on the oracle after the draw; what it writes is input of the operation. */
  OpCase prepare(Call enqueue) {
    prepare = enqueue;
    return this;
  }

  /** The operation. */
  OpCase call(Call enqueue) {
    call = enqueue;
    return this;
  }

  /** The forward whose backward this case is, and what its outputs are multiplied with. */
  OpCase backwardOf(Call enqueue, String output, String cotangent) {
    forward = enqueue;
    cotangents.put(output, cotangent);
    return this;
  }

  /** The operation leaves the gradient of {@code input} in {@code gradient}. */
  OpCase gradient(String input, String gradient) {
    gradients.put(input, gradient);
    return this;
  }

  // ---- using

  String operation() {
    return operation;
  }

  List<OpArgument> arguments() {
    return arguments;
  }

  double roundings() {
    return roundings;
  }

  void enqueuePrepare(Ops ops, Tensors tensors) {
    prepare.enqueue(ops, tensors);
  }

  void enqueueForward(Ops ops, Tensors tensors) {
    forward.enqueue(ops, tensors);
  }

  void enqueue(Ops ops, Tensors tensors) {
    call.enqueue(ops, tensors);
  }

  /** Gradients by input; empty if the case is not a backward. */
  Map<String, String> gradients() {
    return gradients;
  }

  /** Cotangents by output of the forward. */
  Map<String, String> cotangents() {
    return cotangents;
  }

  /** Fresh values for all arguments; a case draws the same for the same seed. */
  Draw draw(long seed) {
    SplittableRandom random = new SplittableRandom(seed * 1_000_003 + toString().hashCode());
    Draw draw = new Draw();
    for (OpArgument argument : arguments) {
      int length = (int) argument.shape().elements();
      draw.put(argument.name(), argument.fill().draw(random, length, draw));
    }
    return draw;
  }

  @Override
  public String toString() {
    return operation + "(" + variant + ")";
  }
}
