package io.antiphon.cpu;

import static io.antiphon.cpu.OpArgument.Kind.F64;
import static io.antiphon.cpu.OpArgument.Kind.I32;
import static io.antiphon.cpu.OpArgument.Kind.I64;
import static io.antiphon.cpu.OpArgument.Kind.MASTER;
import static io.antiphon.cpu.OpArgument.Kind.REAL;

import io.antiphon.cpu.OpArgument.Kind;
import io.antiphon.tensor.AdamOptions;
import io.antiphon.tensor.AdamTensors;
import io.antiphon.tensor.ScheduleOptions;
import java.util.ArrayList;
import java.util.List;

/** Loss, optimizer and commit. */
final class TrainingCases {
  private static final ScheduleOptions SCHEDULE = new ScheduleOptions(0.1, 0.01, 5, 40);

  private TrainingCases() {}

  static List<OpCase> all() {
    List<OpCase> cases = new ArrayList<>();
    for (int[] size : new int[][] {{1, 1}, {3, 17}, {33, 7}, {0, 5}, {61, 257}, {3, 4099}}) {
      for (double missing : new double[] {0, 0.4, 1}) {
        cases.add(crossEntropyLoss(size[0], size[1], missing));
        cases.add(crossEntropy(size[0], size[1], missing, 2.0 * size[0] + 1));
      }
      cases.add(crossEntropy(size[0], size[1], 1, 0));
    }
    for (int length : new int[] {0, 1, 17, 4099}) {
      cases.add(squaredNorm(length));
      cases.add(adamW(length, 1));
      cases.add(adamW(length, 0));
    }
    for (double squaredNorm : new double[] {0, 4, 100, Double.NaN, Double.POSITIVE_INFINITY}) {
      for (double maxNorm : new double[] {0, 3}) {
        cases.add(decideUpdate(squaredNorm, maxNorm, 0));
        cases.add(decideUpdate(squaredNorm, maxNorm, 1));
      }
    }
    for (int flags = 0; flags < 4; flags++) {
      cases.add(commit(flags & 1, flags >> 1));
    }
    for (Kind kind : Kind.values()) {
      cases.add(push(kind, 17, 3));
    }
    cases.add(push(F64, 1, 1));
    for (int experts : new int[] {1, 3, 17}) {
      cases.add(updateExpertBias(experts, "random", Fill.integers(0, 50), 0));
      cases.add(updateExpertBias(experts, "equal", Fill.constant(7), 0));
      cases.add(updateExpertBias(experts, "overflow", Fill.integers(0, 50), 1));
    }
    return cases;
  }

  /** Sizes at which vectors and several blocks come into play. */
  static List<OpCase> large() {
    List<OpCase> cases = new ArrayList<>();
    for (int[] size : new int[][] {{130, 256}, {7, 32_000}, {3, 70_008}}) {
      cases.add(crossEntropyLoss(size[0], size[1], 0.2));
      cases.add(crossEntropy(size[0], size[1], 0.2, 2.0 * size[0] + 1));
    }
    for (int length : new int[] {1 << 16, 300_007}) {
      cases.add(squaredNorm(length));
      cases.add(adamW(length, 1));
    }
    return cases;
  }

  private static OpCase crossEntropyLoss(int rows, int vocabulary, double missing) {
    return new OpCase("crossEntropyLoss", rows, vocabulary, "missing", missing)
        .read("logits", REAL, Fill.normals(3), rows, vocabulary)
        .read("targets", I32, Fill.targets(vocabulary, missing), rows)
        .added("lossSum", F64, 1)
        .roundings(rows + vocabulary + 4)
        .call((ops, t) -> ops.crossEntropyLoss(t.of("logits"), t.of("targets"), t.of("lossSum")));
  }

  private static OpCase crossEntropy(int rows, int vocabulary, double missing, double count) {
    return new OpCase("crossEntropy", rows, vocabulary, "missing", missing, "count", count)
        .updated("logits", REAL, Fill.normals(3), rows, vocabulary)
        .read("targets", I32, Fill.targets(vocabulary, missing), rows)
        .read("targetCount", F64, Fill.constant(count), 1)
        .added("lossSum", F64, 1)
        .forwardOnly("loss", F64, Fill.constant(0), 1)
        .forwardOnly("share", F64, Fill.constant(count == 0 ? 0 : 1 / count), 1)
        .backwardOf(
            (ops, t) -> {
              ops.zero(t.of("loss"));
              ops.crossEntropyLoss(t.of("logits"), t.of("targets"), t.of("loss"));
            },
            "loss",
            "share")
        .gradient("logits", "logits")
        .roundings(rows + vocabulary + 5)
        .call(
            (ops, t) ->
                ops.crossEntropy(
                    t.of("logits"), t.of("targets"), t.of("targetCount"), t.of("lossSum")));
  }

  private static OpCase squaredNorm(int length) {
    return new OpCase("squaredNorm", length)
        .read("gradient", MASTER, Fill.normals(), length)
        .added("sum", F64, 1)
        .roundings(length + 1)
        .call((ops, t) -> ops.squaredNorm(t.of("gradient"), t.of("sum")));
  }

  private static OpCase decideUpdate(double squaredNorm, double maxNorm, double overflow) {
    return new OpCase("decideUpdate", squaredNorm, maxNorm, overflow)
        .read("squaredNorm", F64, Fill.constant(squaredNorm), 1)
        .state(0, overflow, "apply", "learningRate", "clipFactor")
        .roundings(4)
        .call((ops, t) -> ops.decideUpdate(t.of("squaredNorm"), maxNorm, SCHEDULE, t.state()));
  }

  private static OpCase adamW(int length, double apply) {
    AdamOptions options = new AdamOptions(0.9, 0.95, 1e-8, 0.1);
    return new OpCase("adamW", length, "apply", apply)
        .updated("master", MASTER, Fill.normals(), length)
        .read("gradient", MASTER, Fill.normals(), length)
        .updated("firstMoment", MASTER, Fill.normals(0.1), length)
        .updated("secondMoment", MASTER, Fill.uniform(0.01, 1), length)
        .updated("weight", REAL, Fill.normals(), length)
        .state(apply, 0)
        .roundings(16)
        .call(
            (ops, t) ->
                ops.adamW(
                    new AdamTensors(
                        t.of("master"),
                        t.of("gradient"),
                        t.of("firstMoment"),
                        t.of("secondMoment"),
                        t.of("weight")),
                    options,
                    t.state()));
  }

  private static OpCase updateExpertBias(
      int experts, String variant, Fill counts, double overflow) {
    return new OpCase("updateExpertBias", experts, variant)
        .read("counts", F64, counts, experts)
        .state(1, overflow)
        .added("bias", MASTER, experts)
        .roundings(1)
        .call((ops, t) -> ops.updateExpertBias(t.of("counts"), 0.125, t.state(), t.of("bias")));
  }

  private static OpCase commit(double apply, double overflow) {
    return new OpCase("commit", "apply", apply, "overflow", overflow)
        .state(apply, overflow, "counters")
        .call((ops, t) -> ops.commit(t.state()));
  }

  private static OpCase push(Kind kind, int length, int slots) {
    boolean integer = kind == I32 || kind == I64;
    return new OpCase("push", kind, length, slots)
        .read("record", kind, integer ? Fill.integers(0, 99) : Fill.normals(), length)
        .state(1, 0)
        .updated("ring", kind, Fill.constant(0), slots, length)
        .call((ops, t) -> ops.push(t.of("record"), t.state(), t.of("ring")));
  }
}
