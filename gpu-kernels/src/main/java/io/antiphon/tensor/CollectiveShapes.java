package io.antiphon.tensor;

/**
 * What each method of {@link Collectives} demands of its arguments: one method here for each, that
 * throws {@link IllegalArgumentException} naming the argument.
 *
 * @param ranks of the group
 */
public record CollectiveShapes(int ranks) {
  /** Checks arguments of {@link Collectives#allGather}. */
  public void allGather(Tensor in, Tensor out) {
    long elements = Math.multiplyExact((long) ranks, in.elements());
    if (out.dtype() != in.dtype() || out.elements() != elements) {
      throw new IllegalArgumentException(
          "out must have " + elements + " elements of " + in.dtype() + ", was " + out);
    }
  }

  /** Checks arguments of {@link Collectives#allReduceMax}. */
  public void allReduceMax(Tensor tensor) {
    if (tensor.dtype().isFloating()) {
      throw new IllegalArgumentException("tensor must hold integers, was " + tensor);
    }
  }

  /** Checks arguments of {@link Collectives#dispatch}. */
  public void dispatch(Tensor x, RowTensors rows, Tensor out) {
    rows("x", x, rows);
    width("out", x.shape().rowElements(), out);
    sameType("x", x, "out", out);
  }

  /** Checks arguments of {@link Collectives#dispatchScalars}. */
  public void dispatchScalars(Tensor x, RowTensors rows, Tensor out) {
    x.require("x", x.dtype(), rows.destinationRow().shape());
    width("out", 1, out);
    sameType("x", x, "out", out);
  }

  /** Checks arguments of {@link Collectives#combine}. */
  public void combine(Tensor x, RowTensors rows, Tensor y) {
    rows("y", y, rows);
    width("x", y.shape().rowElements(), x);
    sameType("x", x, "y", y);
  }

  /** Checks arguments of {@link Collectives#combineScalars}. */
  public void combineScalars(Tensor x, RowTensors rows, Tensor y) {
    y.require("y", y.dtype(), rows.destinationRow().shape());
    width("x", 1, x);
    sameType("x", x, "y", y);
  }

  /**
   * Checks arguments of {@link Collectives#dispatchWeights} and {@link
   * Collectives#reduceSlotGradients}.
   */
  public void slots(Tensor home, Tensor slotHome, Tensor slots) {
    ArgumentChecks.form("slotHome", slotHome, DType.I32, "slots");
    if (slotHome.elements() != slots.shape().extent(0) * ranks
        || home.shape().rowElements() != slots.shape().rowElements()) {
      throw new IllegalArgumentException(
          "slots "
              + slots
              + " of "
              + ranks
              + " ranks do not fit home experts "
              + home
              + " and slotHome "
              + slotHome);
    }
    sameType("home", home, "slots", slots);
  }

  private static void rows(String argument, Tensor tokens, RowTensors rows) {
    long expected = rows.destinationRow().shape().extent(0);
    if (tokens.shape().extent(0) != expected) {
      throw new IllegalArgumentException(
          argument + " must have a row for each of " + expected + " tokens, was " + tokens);
    }
  }

  private static void width(String argument, long width, Tensor rows) {
    if (rows.shape().rowElements() != width) {
      throw new IllegalArgumentException(
          argument + " must have rows of " + width + " elements, was " + rows);
    }
  }

  private static void sameType(String name, Tensor x, String otherName, Tensor other) {
    DType dtype = x.dtype();
    if (!dtype.isFloating() || other.dtype() != dtype) {
      throw new IllegalArgumentException(
          name
              + " and "
              + otherName
              + " must be floating and of one type, were "
              + x
              + " and "
              + other);
    }
  }
}
