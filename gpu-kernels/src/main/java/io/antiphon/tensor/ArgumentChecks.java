package io.antiphon.tensor;

/** The few checks that argument rules are made of; every failure names the argument. */
final class ArgumentChecks {
  private ArgumentChecks() {}

  /** Fails with {@code message} unless {@code holds}. */
  static void require(boolean holds, String message) {
    if (!holds) {
      throw new IllegalArgumentException(message);
    }
  }

  /** The tensor has this type and as many extents as {@code shape} has words. */
  static void form(String argument, Tensor tensor, DType dtype, String... shape) {
    if (tensor.dtype() != dtype || tensor.shape().order() != shape.length) {
      throw new IllegalArgumentException(
          argument + " must be " + dtype + "[" + String.join(", ", shape) + "], was " + tensor);
    }
  }

  /** The tensor has this type, whatever its shape. */
  static void type(String argument, Tensor tensor, DType dtype) {
    require(tensor.dtype() == dtype, argument + " must be " + dtype + ", was " + tensor);
  }

  /** The tensor holds floating-point numbers. */
  static void floating(String argument, Tensor tensor) {
    require(tensor.dtype().isFloating(), argument + " must be floating, was " + tensor);
  }

  /** The tensor has this many elements, in whatever shape. */
  static void length(String argument, Tensor tensor, long elements) {
    require(
        tensor.elements() == elements,
        argument + " must have " + elements + " elements, was " + tensor);
  }

  /** Tokens are whole sequences. */
  static void wholeSequences(long tokens, int sequenceLength) {
    require(
        sequenceLength >= 1 && tokens % sequenceLength == 0,
        "sequenceLength must be >= 1 and divide " + tokens + " tokens, was " + sequenceLength);
  }

  /** Checks types and lengths of all scalars and counters of a step's state. */
  static void state(StepState state) {
    form("state.counters", state.counters(), DType.I64, "4");
    length("state.counters", state.counters(), 4);
    scalar("state.overflow", state.overflow(), DType.I32);
    scalar("state.requiredRows", state.requiredRows(), DType.I64);
    scalar("state.apply", state.apply(), DType.I32);
    scalar("state.learningRate", state.learningRate(), DType.F64);
    scalar("state.clipFactor", state.clipFactor(), DType.F64);
  }

  /** The tensor is a vector of one element. */
  static void scalar(String argument, Tensor tensor, DType dtype) {
    form(argument, tensor, dtype, "1");
    length(argument, tensor, 1);
  }
}
