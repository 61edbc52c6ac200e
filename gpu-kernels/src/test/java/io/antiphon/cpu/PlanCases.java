package io.antiphon.cpu;

import static io.antiphon.cpu.OpArgument.Kind.F64;
import static io.antiphon.cpu.OpArgument.Kind.I32;

import io.antiphon.plan.BalanceOptions;
import io.antiphon.plan.PlannerKind;
import io.antiphon.tensor.Ops;
import io.antiphon.tensor.PlanTensors;
import io.antiphon.tensor.RowTensors;
import java.util.ArrayList;
import java.util.List;

/** Plan, row layout and load statistics: integers, hence the same on every backend. */
final class PlanCases {
  private record Size(
      PlannerKind planner,
      BalanceOptions options,
      int ranks,
      int experts,
      int slotsPerRank,
      int tokens,
      int topK) {
    /** Cases for the best balance on one node. */
    Size(PlannerKind planner, int ranks, int experts, int slotsPerRank, int tokens, int topK) {
      this(planner, BalanceOptions.EXACT, ranks, experts, slotsPerRank, tokens, topK);
    }

    int slots() {
      return ranks * slotsPerRank;
    }

    int physicalExperts() {
      return experts / ranks + slotsPerRank;
    }
  }

  private PlanCases() {}

  static List<OpCase> all() {
    List<Size> sizes =
        List.of(
            new Size(PlannerKind.NONE, 1, 3, 0, 17, 2),
            new Size(PlannerKind.NONE, 4, 8, 1, 33, 1),
            new Size(PlannerKind.BIN_PACKING, 4, 8, 1, 33, 2),
            new Size(PlannerKind.BIN_PACKING, 3, 3, 1, 1, 1),
            new Size(PlannerKind.ONE_SHOT, 2, 6, 3, 17, 3),
            new Size(PlannerKind.ONE_SHOT, 4, 8, 2, 61, 2),
            new Size(PlannerKind.ONE_SHOT, 5, 5, 1, 0, 1),
            new Size(PlannerKind.ONE_SHOT, 1, 7, 2, 5, 7),
            new Size(PlannerKind.BALANCED, 4, 8, 1, 61, 2),
            new Size(PlannerKind.BALANCED, 3, 6, 2, 33, 3),
            new Size(
                PlannerKind.BALANCED,
                BalanceOptions.EXACT.withTolerance(50_000).withRanksPerNode(2).withMinQuota(2, 5),
                4,
                8,
                2,
                61,
                2));
    List<OpCase> cases = new ArrayList<>();
    for (Size size : sizes) {
      cases.add(plan(size));
      if (size.planner == PlannerKind.BALANCED) {
        cases.add(replan(size));
      }
      cases.add(recordLoads(size));
      // Ample, the mean so that some ranks overflow, and nothing at all.
      cases.add(layoutRows(size, "ample", 1000));
      cases.add(layoutRows(size, "mean", (long) size.tokens * size.topK));
      cases.add(layoutRows(size, "none", 0));
    }
    return cases;
  }

  private static OpCase of(String operation, Size size, String variant) {
    return new OpCase(operation, size, variant)
        .read("topExperts", I32, Fill.choices(size.experts, size.topK), size.tokens, size.topK)
        .read("counts", I32, counts(size), size.ranks, size.experts);
  }

  /** Every rank has as many assignments; those of the last rank are in "topExperts". */
  private static Fill counts(Size size) {
    return (random, length, drawn) -> {
      double[] counts = new double[length];
      for (int rank = 0; rank < size.ranks; rank++) {
        int assignments = size.tokens * size.topK;
        double[] chosen =
            rank == size.ranks - 1
                ? drawn.of("topExperts")
                : Fill.integers(0, Math.min(size.experts, 3)).draw(random, assignments, drawn);
        for (double expert : chosen) {
          counts[rank * size.experts + (int) expert]++;
        }
      }
      return counts;
    };
  }

  private static PlanTensors plan(OpCase.Tensors t) {
    return new PlanTensors(t.of("slotHome"), t.of("quota"), t.of("toSlot"));
  }

  private static void enqueue(Ops ops, OpCase.Tensors t, Size size) {
    ops.plan(size.planner, size.options, t.of("counts"), plan(t));
  }

  private static OpCase plan(Size size) {
    return new OpCase("plan", size)
        .forwardOnly(
            "topExperts", I32, Fill.choices(size.experts, size.topK), size.tokens, size.topK)
        .read("counts", I32, counts(size), size.ranks, size.experts)
        .written("slotHome", I32, size.slots())
        .written("quota", I32, size.slots())
        .written("toSlot", I32, size.ranks, size.slots())
        .call((ops, t) -> enqueue(ops, t, size));
  }

  private static OpCase replan(Size size) {
    return new OpCase("replan", size)
        .forwardOnly(
            "topExperts", I32, Fill.choices(size.experts, size.topK), size.tokens, size.topK)
        .read("counts", I32, counts(size), size.ranks, size.experts)
        .updated("held", I32, Fill.integers(-1, size.experts), size.slots())
        .written("toSend", I32, size.slots())
        .written("slotHome", I32, size.slots())
        .written("quota", I32, size.slots())
        .written("toSlot", I32, size.ranks, size.slots())
        .call(
            (ops, t) ->
                ops.replan(size.options, t.of("counts"), t.of("held"), t.of("toSend"), plan(t)));
  }

  private static OpCase readPlan(OpCase opCase, Size size) {
    return opCase
        .read("slotHome", I32, Fill.constant(-1), size.slots())
        .read("quota", I32, Fill.constant(0), size.slots())
        .read("toSlot", I32, Fill.constant(0), size.ranks, size.slots())
        .prepare((ops, t) -> enqueue(ops, t, size));
  }

  private static OpCase layoutRows(Size size, String room, long capacity) {
    return readPlan(of("layoutRows", size, room), size)
        .written("destinationRank", I32, size.tokens, size.topK)
        .written("destinationRow", I32, size.tokens, size.topK)
        .written("rowCounts", I32, size.physicalExperts())
        .state(1, 0, "overflow", "requiredRows")
        .call(
            (ops, t) ->
                ops.layoutRows(
                    t.of("topExperts"),
                    t.of("counts"),
                    plan(t),
                    size.ranks - 1,
                    capacity,
                    new RowTensors(
                        t.of("destinationRank"), t.of("destinationRow"), t.of("rowCounts")),
                    t.state()));
  }

  private static OpCase recordLoads(Size size) {
    OpCase opCase =
        new OpCase("recordLoads", size)
            .forwardOnly(
                "topExperts", I32, Fill.choices(size.experts, size.topK), size.tokens, size.topK)
            .read("counts", I32, counts(size), size.ranks, size.experts);
    return readPlan(opCase, size)
        .read("toSend", I32, Fill.integers(-1, 2), size.slots())
        .added("statistics", F64, size.experts + 2L * size.ranks + 4)
        .call(
            (ops, t) ->
                ops.recordLoads(t.of("counts"), plan(t), t.of("toSend"), t.of("statistics")));
  }
}
