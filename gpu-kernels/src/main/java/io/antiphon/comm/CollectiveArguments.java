package io.antiphon.comm;

import io.antiphon.tensor.Collectives;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.PlanTensors;
import io.antiphon.tensor.RowTensors;
import io.antiphon.tensor.Tensor;

/** What {@link Collectives} demand of their arguments, in a group of some ranks. */
record CollectiveArguments(int ranks) {
  void allGather(Tensor in, Tensor out) {
    long elements = Math.multiplyExact((long) ranks, in.elements());
    if (out.dtype() != in.dtype() || out.elements() != elements) {
      throw new IllegalArgumentException(
          "out must have " + elements + " elements of " + in.dtype() + ", was " + out);
    }
  }

  void allReduceMax(Tensor tensor) {
    if (tensor.dtype().isFloating()) {
      throw new IllegalArgumentException("tensor must hold integers, was " + tensor);
    }
  }

  void dispatch(Tensor x, RowTensors rows, Tensor out) {
    rows("x", x, rows);
    width("out", x.shape().rowElements(), out);
    sameType("x", x, "out", out);
  }

  void dispatchScalars(Tensor x, RowTensors rows, Tensor out) {
    x.require("x", x.dtype(), rows.destinationRow().shape());
    width("out", 1, out);
    sameType("x", x, "out", out);
  }

  void combine(Tensor x, RowTensors rows, Tensor y) {
    rows("y", y, rows);
    width("x", y.shape().rowElements(), x);
    sameType("x", x, "y", y);
  }

  void combineScalars(Tensor x, RowTensors rows, Tensor y) {
    y.require("y", y.dtype(), rows.destinationRow().shape());
    width("x", 1, x);
    sameType("x", x, "y", y);
  }

  void slots(Tensor home, PlanTensors plan, Tensor slots) {
    if (plan.slots() % ranks != 0
        || slots.shape().extent(0) != plan.slots() / ranks
        || home.shape().rowElements() != slots.shape().rowElements()) {
      throw new IllegalArgumentException(
          "slots "
              + slots
              + " of "
              + ranks
              + " ranks do not fit home experts "
              + home
              + " and a plan of "
              + plan.slots()
              + " slots");
    }
    if (plan.slots() > PeerKernels.MAX_SLOTS) {
      throw new IllegalArgumentException(
          "slots of a group must be at most " + PeerKernels.MAX_SLOTS + ", were " + plan.slots());
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
