package io.antiphon.cpu;

import static io.antiphon.cpu.OpArgument.Kind.MASTER;
import static io.antiphon.cpu.OpArgument.Kind.REAL;

import io.antiphon.cpu.OpArgument.Access;
import io.antiphon.cpu.OpArgument.Kind;
import io.antiphon.cpu.OpArgument.Trait;
import io.antiphon.tensor.Ops;
import java.util.ArrayList;
import java.util.List;

/** Norm, matrix product and activation. */
final class DenseCases {
  private static final double EPSILON = 1e-5;

  private DenseCases() {}

  static List<OpCase> all() {
    List<OpCase> cases = new ArrayList<>();
    for (int[] size : new int[][] {{1, 1}, {3, 17}, {33, 7}, {0, 5}, {150, 31}, {2, 4099}}) {
      cases.add(rmsNorm(size[0], size[1]));
      cases.add(rmsNormBackward(size[0], size[1]));
    }
    for (int[] size : new int[][] {{1, 1}, {3, 17}, {17, 33}, {0, 3}, {23, 211}, {2, 4099}}) {
      cases.add(swiglu(size[0], size[1], 2));
      cases.add(swigluBackward(size[0], size[1], 2));
    }
    // Gates at which exp(-gate) leaves the range of fp32.
    cases.add(swiglu(3, 17, 60));
    cases.add(swigluBackward(3, 17, 60));
    int[][] products = {
      {1, 1, 1},
      {3, 17, 5},
      {33, 31, 29},
      {17, 1, 33},
      {1, 33, 17},
      {0, 3, 2},
      {3, 0, 2},
      {3, 2, 0},
      {67, 71, 131}
    };
    for (int[] size : products) {
      for (int flags = 0; flags < 8; flags++) {
        Kind result = flags % 2 == 0 ? REAL : MASTER;
        cases.add(gemm((flags & 1) > 0, (flags & 2) > 0, (flags & 4) > 0, result, size));
      }
    }
    return cases;
  }

  /** Sizes at which vectors and tensor cores come into play. */
  static List<OpCase> large() {
    List<OpCase> cases = new ArrayList<>();
    for (int[] size : new int[][] {{37, 1024}, {5, 4096}, {300, 256}, {3, 8200}}) {
      cases.add(rmsNorm(size[0], size[1]));
      cases.add(rmsNormBackward(size[0], size[1]));
      cases.add(swiglu(size[0], size[1], 2));
      cases.add(swigluBackward(size[0], size[1], 2));
    }
    for (int[] size : new int[][] {{128, 192, 64}, {65, 72, 136}}) {
      for (int flags = 0; flags < 8; flags++) {
        Kind result = flags % 2 == 0 ? REAL : MASTER;
        cases.add(gemm((flags & 1) > 0, (flags & 2) > 0, (flags & 4) > 0, result, size));
        cases.add(gemm((flags & 1) == 0, (flags & 2) > 0, (flags & 4) > 0, result, size));
      }
    }
    return cases;
  }

  private static OpCase rmsNorm(int tokens, int hidden) {
    return new OpCase("rmsNorm", tokens, hidden)
        .read("x", REAL, Fill.normals(), tokens, hidden)
        .read("weight", REAL, Fill.normals(), hidden)
        .written("y", REAL, tokens, hidden)
        .written("inverseRms", MASTER, tokens)
        .roundings(hidden + 3)
        .call(DenseCases::enqueueRmsNorm);
  }

  private static void enqueueRmsNorm(Ops ops, OpCase.Tensors t) {
    ops.rmsNorm(t.of("x"), t.of("weight"), EPSILON, t.of("y"), t.of("inverseRms"));
  }

  private static OpCase rmsNormBackward(int tokens, int hidden) {
    return new OpCase("rmsNormBackward", tokens, hidden)
        .read("x", REAL, Fill.normals(), tokens, hidden)
        .read("weight", REAL, Fill.normals(), hidden)
        .read("inverseRms", MASTER, Fill.normals(), tokens)
        .read("dY", REAL, Fill.normals(), tokens, hidden)
        .added("dX", REAL, tokens, hidden)
        .added("dWeight", MASTER, hidden)
        .forwardOnly("y", REAL, Fill.normals(), tokens, hidden)
        .prepare(DenseCases::enqueueRmsNorm)
        .backwardOf(DenseCases::enqueueRmsNorm, "y", "dY")
        .gradient("x", "dX")
        .gradient("weight", "dWeight")
        .roundings(Math.max(tokens, hidden) + 5)
        .call(
            (ops, t) ->
                ops.rmsNormBackward(
                    t.of("x"),
                    t.of("weight"),
                    t.of("inverseRms"),
                    t.of("dY"),
                    t.of("dX"),
                    t.of("dWeight")));
  }

  private static OpCase swiglu(int rows, int ffn, double scale) {
    return new OpCase("swiglu", rows, ffn, "scale", scale)
        .read("gateUp", REAL, Fill.normals(scale), rows, 2L * ffn)
        .written("out", REAL, rows, ffn)
        .roundings(5)
        .call((ops, t) -> ops.swiglu(t.of("gateUp"), t.of("out")));
  }

  private static OpCase swigluBackward(int rows, int ffn, double scale) {
    return new OpCase("swigluBackward", rows, ffn, "scale", scale)
        .read("gateUp", REAL, Fill.normals(scale), rows, 2L * ffn)
        .read("dOut", REAL, Fill.normals(), rows, ffn)
        .written("dGateUp", REAL, rows, 2L * ffn)
        .forwardOnly("out", REAL, Fill.normals(), rows, ffn)
        .backwardOf((ops, t) -> ops.swiglu(t.of("gateUp"), t.of("out")), "out", "dOut")
        .gradient("gateUp", "dGateUp")
        .roundings(9)
        .call((ops, t) -> ops.swigluBackward(t.of("gateUp"), t.of("dOut"), t.of("dGateUp")));
  }

  private static OpCase gemm(
      boolean transposeA, boolean transposeB, boolean accumulate, Kind result, int[] size) {
    int m = size[0];
    int n = size[1];
    int k = size[2];
    String form = (transposeA ? "transposed " : "plain ") + (transposeB ? "transposed" : "plain");
    return new OpCase("gemm", m, n, k, form, accumulate ? "accumulate" : "write", result)
        .read("a", REAL, Fill.normals(), transposeA ? k : m, transposeA ? m : k)
        .read("b", REAL, Fill.normals(), transposeB ? n : k, transposeB ? k : n)
        .with(
            accumulate ? Access.ADDED : Access.WRITTEN,
            "c",
            result,
            Trait.NONE,
            Fill.normals(),
            m,
            n)
        .roundings(k + 1)
        .call(
            (ops, t) ->
                ops.gemm(transposeA, transposeB, t.of("a"), t.of("b"), accumulate, t.of("c")));
  }
}
