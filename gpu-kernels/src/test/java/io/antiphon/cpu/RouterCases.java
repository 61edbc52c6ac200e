package io.antiphon.cpu;

import static io.antiphon.cpu.OpArgument.Kind.F64;
import static io.antiphon.cpu.OpArgument.Kind.I32;
import static io.antiphon.cpu.OpArgument.Kind.MASTER;

import io.antiphon.cpu.OpArgument.Access;
import io.antiphon.cpu.OpArgument.Trait;
import io.antiphon.tensor.Ops;
import io.antiphon.tensor.Routing;
import io.antiphon.tensor.ScoreFunction;
import java.util.ArrayList;
import java.util.List;

/** The router and its losses. */
final class RouterCases {
  private record Size(int sequences, int length, int experts, int topK, ScoreFunction function) {
    int tokens() {
      return sequences * length;
    }

    Routing routing() {
      return new Routing(topK, function);
    }
  }

  private RouterCases() {}

  static List<OpCase> all() {
    List<OpCase> cases = new ArrayList<>();
    for (ScoreFunction function : ScoreFunction.values()) {
      int[][] sizes = {
        {1, 1, 1, 1}, {1, 17, 8, 2}, {3, 11, 17, 3}, {5, 1, 7, 7}, {0, 3, 4, 2}, {2, 33, 5, 1}
      };
      for (int[] size : sizes) {
        Size named = new Size(size[0], size[1], size[2], size[3], function);
        cases.add(route(named, "random", Fill.normals(2), Fill.normals(0.3)));
        // Equal logits, as far as they are not all different.
        cases.add(route(named, "ties", Fill.integers(0, 2), Fill.constant(0)));
        cases.add(route(named, "all tied", Fill.constant(0.5), Fill.constant(0)));
        cases.add(routeBackward(named));
        cases.add(routerLosses(named, 0.3, 0.2));
        cases.add(routerLosses(named, 0, 0.2));
        cases.add(routerLosses(named, 0.3, 0));
      }
    }
    for (int[] size : new int[][] {{1, 1, 1}, {33, 17, 3}, {0, 2, 4}, {17, 3, 3}, {50, 500, 2}}) {
      cases.add(countAssignments(size[0], size[1], size[2]));
    }
    return cases;
  }

  /** Cases of as many experts and choices as large models have. */
  static List<OpCase> large() {
    List<OpCase> cases = new ArrayList<>();
    for (ScoreFunction function : ScoreFunction.values()) {
      for (int[] size : new int[][] {{2, 65, 64, 8}, {1, 33, 256, 8}, {1, 9, 1000, 16}}) {
        Size named = new Size(size[0], size[1], size[2], size[3], function);
        cases.add(route(named, "random", Fill.normals(2), Fill.normals(0.3)));
        cases.add(route(named, "ties", Fill.integers(0, 2), Fill.constant(0)));
        cases.add(routeBackward(named));
        cases.add(routerLosses(named, 0.3, 0.2));
      }
    }
    cases.add(countAssignments(5000, 256, 8));
    cases.add(countAssignments(700, 1024, 8));
    return cases;
  }

  private static void enqueue(Ops ops, OpCase.Tensors t, Routing routing) {
    ops.route(
        t.of("logits"), t.of("bias"), routing, t.of("scores"), t.of("topExperts"), t.of("probs"));
  }

  private static OpCase route(Size size, String logits, Fill logitsFill, Fill biasFill) {
    int tokens = size.tokens();
    return new OpCase("route", size, logits)
        .with(Access.READ, "logits", MASTER, Trait.DECISIVE, logitsFill, tokens, size.experts)
        .with(Access.READ, "bias", MASTER, Trait.DECISIVE, biasFill, size.experts)
        .written("scores", MASTER, tokens, size.experts)
        .written("topExperts", I32, tokens, size.topK)
        .written("probs", MASTER, tokens, size.topK)
        .roundings(size.experts + 4)
        .call((ops, t) -> enqueue(ops, t, size.routing()));
  }

  private static OpCase routeBackward(Size size) {
    int tokens = size.tokens();
    return new OpCase("routeBackward", size)
        .read("scores", MASTER, Fill.normals(), tokens, size.experts)
        .read("topExperts", I32, Fill.constant(0), tokens, size.topK)
        .read("probs", MASTER, Fill.normals(), tokens, size.topK)
        .read("dProbs", MASTER, Fill.normals(), tokens, size.topK)
        .added("dLogits", MASTER, tokens, size.experts)
        .forwardOnly("logits", MASTER, Fill.normals(2), tokens, size.experts)
        .forwardOnly("bias", MASTER, Fill.normals(0.3), size.experts)
        .prepare((ops, t) -> enqueue(ops, t, size.routing()))
        .backwardOf((ops, t) -> enqueue(ops, t, size.routing()), "probs", "dProbs")
        .gradient("logits", "dLogits")
        .roundings(size.topK + 4)
        .call(
            (ops, t) ->
                ops.routeBackward(
                    t.of("scores"),
                    t.of("topExperts"),
                    t.of("probs"),
                    size.routing(),
                    t.of("dProbs"),
                    t.of("dLogits")));
  }

  private static OpCase routerLosses(Size size, double auxScale, double zScale) {
    int tokens = size.tokens();
    OpCase.Call losses =
        (ops, t) ->
            ops.routerLosses(
                t.of("logits"),
                t.of("scores"),
                t.of("topExperts"),
                size.routing(),
                size.length,
                auxScale,
                zScale,
                t.of("dLogits"),
                t.of("losses"));
    return new OpCase("routerLosses", size, auxScale, zScale)
        .read("logits", MASTER, Fill.normals(2), tokens, size.experts)
        .read("scores", MASTER, Fill.normals(), tokens, size.experts)
        .read("topExperts", I32, Fill.constant(0), tokens, size.topK)
        .written("dLogits", MASTER, tokens, size.experts)
        .added("losses", F64, 2)
        .forwardOnly("bias", MASTER, Fill.normals(0.3), size.experts)
        .forwardOnly("probs", MASTER, Fill.normals(), tokens, size.topK)
        .forwardOnly("ones", F64, Fill.constant(1), 2)
        .prepare((ops, t) -> enqueue(ops, t, size.routing()))
        .backwardOf(
            (ops, t) -> {
              ops.zero(t.of("losses"));
              enqueue(ops, t, size.routing());
              losses.enqueue(ops, t);
            },
            "losses",
            "ones")
        .gradient("logits", "dLogits")
        .roundings(size.length + size.experts + 6)
        .call(losses);
  }

  private static OpCase countAssignments(int tokens, int experts, int topK) {
    return new OpCase("countAssignments", tokens, experts, topK)
        .read("topExperts", I32, Fill.integers(0, experts), tokens, topK)
        .written("counts", I32, experts)
        .call((ops, t) -> ops.countAssignments(t.of("topExperts"), t.of("counts")));
  }
}
