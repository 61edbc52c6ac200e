package io.antiphon.cpu;

import io.antiphon.tensor.Backend;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.Shape;
import io.antiphon.tensor.StepGraph;
import io.antiphon.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/**
 * One argument of a case replaced by a tensor that the operation must refuse.
 *
 * @param change what is wrong: "type", "order", or the number of a longer axis
 */
record WrongArgument(OpArgument argument, String change, Tensor wrong) {

  /** Extents that nothing else fixes. */
  private static final Set<String> FREE =
      Set.of(
          "addRow.x.0",
          "plan.counts.1",
          "countTargets.targets.0",
          "countAssignments.topExperts.0",
          "countAssignments.topExperts.1",
          "countAssignments.counts.0",
          "embed.table.0",
          "embedBackward.dTable.0",
          "crossEntropy.logits.1",
          "crossEntropyLoss.logits.1",
          "rope.x.1",
          "routerLosses.topExperts.1",
          "expertSwiglu.rowCounts.0",
          "expertSwigluBackward.rowCounts.0",
          "push.ring.0");

  /** Tensors of wrong types and wrong shapes for {@code argument}. */
  static List<WrongArgument> of(OpArgument argument, Backend backend) {
    List<WrongArgument> wrong = new ArrayList<>();
    DType right = argument.kind().on(backend);
    for (DType dtype : DType.values()) {
      // The result of a matrix product may have either of two types.
      boolean mayBeMaster = argument.name().equals("c") && dtype == backend.masterType();
      if (dtype != DType.BF16 && dtype != right && !mayBeMaster) {
        Tensor tensor = tensor(backend, dtype, argument.shape());
        wrong.add(new WrongArgument(argument, "type", tensor));
      }
    }
    int order = argument.shape().order();
    long[] extents = new long[order];
    for (int axis = 0; axis < order; axis++) {
      extents[axis] = argument.shape().extent(axis);
    }
    for (int axis = 0; axis < order; axis++) {
      long[] longer = extents.clone();
      longer[axis]++;
      Tensor tensor = tensor(backend, right, Shape.of(longer));
      wrong.add(new WrongArgument(argument, String.valueOf(axis), tensor));
    }
    long[] deeper = Arrays.copyOf(extents, order + 1);
    deeper[order] = 1;
    wrong.add(new WrongArgument(argument, "order", tensor(backend, right, Shape.of(deeper))));
    return wrong;
  }

  private static Tensor tensor(Backend backend, DType dtype, Shape shape) {
    return Tensor.of(backend.allocate("wrong", dtype, shape.elements()), shape);
  }

  private boolean isLegal(OpCase opCase) {
    String operation = opCase.operation();
    boolean sameLength = wrong.elements() == argument.shape().elements();
    return switch (operation) {
      case "zero" -> true;
      case "squaredNorm" -> argument.name().equals("gradient") && !change.equals("type");
      case "copy" -> sameLength;
      case "add" -> sameLength && sameNature();
      case "addRow" -> (change.equals("type") && sameNature()) || isFree(operation);
      case "adamW" -> sameLength && !change.equals("type") && !isState();
      // Without sequences, any length of theirs fits; without other ranks, any number of experts.
      case "prepareBatch" -> sameLength && change.equals("1");
      case "plan" -> isFree(operation) && argument.shape().extent(0) == 1;
      default -> isFree(operation);
    };
  }

  private boolean isFree(String operation) {
    return FREE.contains(operation + "." + argument.name() + "." + change);
  }

  private boolean sameNature() {
    boolean integers =
        argument.kind() == OpArgument.Kind.I32 || argument.kind() == OpArgument.Kind.I64;
    return wrong.dtype().isFloating() != integers;
  }

  private boolean isState() {
    return argument.name().startsWith("state.");
  }

  /** Fails unless the operation refuses the tensor by name, at once and while recording. */
  void check(OpCase opCase, OpBench bench, Backend backend) {
    if (isLegal(opCase)) {
      return;
    }
    OpCase.Tensors tensors = name -> name.equals(argument.name()) ? wrong : bench.of(name);
    Runnable call = () -> opCase.enqueue(backend.ops(), tensors);
    requireRefused(opCase, call);
    try (StepGraph graph = backend.record(() -> requireRefused(opCase, call))) {
      if (graph.operations() != 0) {
        throw new AssertionError(opCase + " with " + argument.name() + " " + wrong + ": recorded");
      }
    }
  }

  private void requireRefused(OpCase opCase, Runnable call) {
    String what = opCase + " with " + argument.name() + " as " + wrong;
    try {
      call.run();
    } catch (IllegalArgumentException refused) {
      String message = String.valueOf(refused.getMessage());
      // A wrong shape shows in the argument that no longer fits, a wrong record in the ring.
      boolean itself = change.equals("type") && !opCase.operation().equals("push");
      boolean named =
          itself
              ? message.contains(argument.name())
              : message.contains("sequenceLength")
                  || opCase.arguments().stream().anyMatch(a -> message.contains(a.name()));
      if (named) {
        return;
      }
      throw new AssertionError(what + " was refused without naming an argument", refused);
    }
    throw new AssertionError(what + " was not refused");
  }
}
