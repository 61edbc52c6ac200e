package io.antiphon.tensor;

/** Checks the arguments of every collective before a group sees them. */
public final class CheckedCollectives implements Collectives {
  private final Collectives group;
  private final int ranks;

  /** The collectives of {@code group}. */
  public CheckedCollectives(Collectives group) {
    this.group = group;
    this.ranks = group.ranks();
  }

  @Override
  public int rank() {
    return group.rank();
  }

  @Override
  public int ranks() {
    return ranks;
  }

  @Override
  public void allGather(Tensor in, Tensor out) {
    long elements = Math.multiplyExact((long) ranks, in.elements());
    if (out.dtype() != in.dtype() || out.elements() != elements) {
      throw new IllegalArgumentException(
          "out must have " + elements + " elements of " + in.dtype() + ", was " + out);
    }
    group.allGather(in, out);
  }

  @Override
  public void allReduceMax(Tensor tensor) {
    if (tensor.dtype().isFloating()) {
      throw new IllegalArgumentException("tensor must hold integers, was " + tensor);
    }
    group.allReduceMax(tensor);
  }

  @Override
  public void dispatch(Tensor x, RowTensors rows, Tensor out) {
    rows("x", x, rows);
    width("out", x.shape().rowElements(), out);
    sameType("x", x, "out", out);
    group.dispatch(x, rows, out);
  }

  @Override
  public void dispatchScalars(Tensor x, RowTensors rows, Tensor out) {
    x.require("x", x.dtype(), rows.destinationRow().shape());
    width("out", 1, out);
    sameType("x", x, "out", out);
    group.dispatchScalars(x, rows, out);
  }

  @Override
  public void combine(Tensor x, RowTensors rows, Tensor y) {
    rows("y", y, rows);
    width("x", y.shape().rowElements(), x);
    sameType("x", x, "y", y);
    group.combine(x, rows, y);
  }

  @Override
  public void combineScalars(Tensor x, RowTensors rows, Tensor y) {
    y.require("y", y.dtype(), rows.destinationRow().shape());
    width("x", 1, x);
    sameType("x", x, "y", y);
    group.combineScalars(x, rows, y);
  }

  @Override
  public void allReduceSum(Tensor tensor) {
    group.allReduceSum(tensor);
  }

  @Override
  public void dispatchWeights(Tensor home, Tensor slotHome, Tensor slots) {
    slots(home, slotHome, slots);
    group.dispatchWeights(home, slotHome, slots);
  }

  @Override
  public void reduceSlotGradients(Tensor slots, Tensor slotHome, Tensor home) {
    slots(home, slotHome, slots);
    group.reduceSlotGradients(slots, slotHome, home);
  }

  private void slots(Tensor home, Tensor slotHome, Tensor slots) {
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
