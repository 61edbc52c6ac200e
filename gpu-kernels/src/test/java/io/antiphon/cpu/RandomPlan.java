package io.antiphon.cpu;

import io.antiphon.plan.BalanceOptions;
import io.antiphon.plan.PlannerKind;
import io.antiphon.tensor.Backend;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.PlanTensors;
import io.antiphon.tensor.RowTensors;
import io.antiphon.tensor.StepState;
import io.antiphon.tensor.Tensor;

/**
 * What a backend plans, lays out and records for the group, the counts and the planner that a seed
 * draws, as hashes: on every backend the same.
 *
 * @param drawn the case in words, for messages
 * @param plan hash of the plan and of the plans after it that reuse its clones
 * @param rows hash of the layout of one rank's rows
 * @param loads hash of the statistics
 */
public record RandomPlan(String drawn, long plan, long rows, long loads) {
  /** Draws the case of {@code seed} and runs it. */
  public static RandomPlan of(Backend backend, long seed) {
    try (TestTensors tensors = new TestTensors(backend)) {
      return new Case(tensors, seed).run();
    }
  }

  private static final class Case {
    private static final int[] RANKS = {1, 2, 3, 4, 5, 8, 8, 16, 31, 32, 33, 64, 64, 128};
    private static final int[] TOLERANCES = {0, 0, 0, 10_000, 50_000, 200_000, 1_000_000};
    private static final int[] NODES = {1, 2, 4, 8, 16, Integer.MAX_VALUE, Integer.MAX_VALUE};
    private static final int[] LEAST = {1, 1, 1, 7};
    private static final int[] ACROSS = {1, 1, 3, 50};
    private static final int MOST_ASSIGNMENTS = 60_000;

    private final TestTensors t;
    private final long seed;
    private long state;
    private int ranks;
    private int localExperts;
    private int experts;

    private Case(TestTensors tensors, long seed) {
      this.t = tensors;
      this.seed = seed;
      this.state = seed * 0x632BE59BD9B4E019L + 1;
    }

    private RandomPlan run() {
      ranks = RANKS[draw(RANKS.length)];
      int most = 1024 / ranks;
      int size = draw(4);
      localExperts =
          size == 0 ? 1 + draw(Math.min(most, 8)) : size < 3 ? Math.max(1, 256 / ranks) : 1;
      if (size == 3) {
        localExperts = ranks >= 16 ? 1 + draw(most) : 1 + draw(Math.min(most, 16));
      }
      experts = ranks * localExperts;
      int wide = draw(3);
      int slotsPerRank = Math.min(experts, wide == 0 ? 1 + draw(8) : wide);
      int which = draw(10);
      PlannerKind planner =
          which < 7
              ? PlannerKind.BALANCED
              : which == 7 && slotsPerRank == 1 ? PlannerKind.BIN_PACKING : PlannerKind.ONE_SHOT;
      int tolerance = TOLERANCES[draw(TOLERANCES.length)];
      int perNode = NODES[draw(NODES.length)];
      int least = LEAST[draw(LEAST.length)];
      int across = least * ACROSS[draw(ACROSS.length)];
      int steps = planner == PlannerKind.BALANCED ? draw(4) : 0; // replans
      BalanceOptions options =
          BalanceOptions.EXACT
              .withTolerance(tolerance)
              .withRanksPerNode(perNode)
              .withMinQuota(least, across);
      int[] counts = counts();
      int slots = ranks * slotsPerRank;
      PlanTensors plan = t.plan(ranks, slotsPerRank);
      Tensor held = t.of(DType.I32, slots);
      Tensor toSend = t.of(DType.I32, slots);
      long planHash = 1;
      Tensor count = t.ints(counts).reshape(ranks, experts);
      t.ops().plan(planner, options, count, plan);
      planHash = hash(hash(hash(planHash, plan.slotHome()), plan.quota()), plan.toSlot());
      boolean random = draw(4) == 0;
      double[] holding = t.read(plan.slotHome());
      if (random) {
        for (int i = 0; i < slots; i++) {
          holding[i] = draw(experts + 1) - 1;
        }
      }
      t.write(held, holding);
      t.write(toSend, holding);
      for (int step = 0; step < steps; step++) {
        for (int i = 0; i < counts.length; i++) {
          counts[i] += draw(1 + counts[i] / 8);
        }
        count = t.ints(counts).reshape(ranks, experts);
        t.ops().replan(options, count, held, toSend, plan);
        planHash = hash(hash(planHash, held), toSend);
        planHash = hash(hash(hash(planHash, plan.slotHome()), plan.quota()), plan.toSlot());
      }
      double[] statistics = new double[experts + 2 * ranks + 4];
      for (int i = 0; i < statistics.length; i++) {
        statistics[i] = draw(1000) / 7.0;
      }
      Tensor recorded = t.doubles(statistics);
      t.ops().recordLoads(count, plan, toSend, recorded);
      long loadsHash = 1;
      for (double value : t.read(recorded)) {
        loadsHash =
            add(
                add(loadsHash, (int) (Double.doubleToRawLongBits(value) >>> 32)),
                (int) Double.doubleToRawLongBits(value));
      }
      String drawn =
          "%s, %s, %d ranks, %d experts, %d slots each, %d replans"
              .formatted(planner.label(), options, ranks, experts, slotsPerRank, steps);
      return new RandomPlan(drawn, planHash, layOut(counts, count, plan, slotsPerRank), loadsHash);
    }

    private long layOut(int[] counts, Tensor count, PlanTensors plan, int slotsPerRank) {
      int rank = draw(ranks);
      long assignments = 0;
      long total = 0;
      for (int i = 0; i < counts.length; i++) {
        assignments += i / experts == rank ? counts[i] : 0;
        total += counts[i];
      }
      int room = draw(4);
      if (assignments > MOST_ASSIGNMENTS) {
        return seed;
      }
      int[] chosen = new int[(int) assignments];
      int at = 0;
      for (int expert = 0; expert < experts; expert++) {
        for (int i = 0; i < counts[rank * experts + expert]; i++) {
          chosen[at++] = expert;
        }
      }
      for (int i = chosen.length - 1; i > 0; i--) {
        int other = draw(i + 1);
        int swapped = chosen[i];
        chosen[i] = chosen[other];
        chosen[other] = swapped;
      }
      long capacity = room == 0 ? 0 : room == 1 ? total / ranks : room == 2 ? total / 3 : total;
      RowTensors rows = t.rows(chosen.length, 1, localExperts + slotsPerRank);
      StepState step = t.state();
      t.write(step.requiredRows(), 5);
      t.ops()
          .layoutRows(
              t.ints(chosen).reshape(chosen.length, 1), count, plan, rank, capacity, rows, step);
      long hash =
          hash(hash(hash(1, rows.destinationRank()), rows.destinationRow()), rows.rowCounts());
      return hash(hash(hash, step.overflow()), step.requiredRows());
    }

    private int[] counts() {
      int[] loads = new int[experts];
      int pattern = draw(16);
      int rank = draw(ranks);
      int value = draw(1000);
      int[] place = new int[experts];
      for (int i = 0; i < experts; i++) {
        int other = draw(i + 1);
        place[i] = place[other];
        place[other] = i;
      }
      for (int expert = 0; expert < experts; expert++) {
        int home = expert / localExperts;
        loads[expert] =
            switch (pattern) {
              case 0 -> place[expert] == 0 ? 100 * value : 0;
              case 1 -> value % 5;
              case 2 -> home == rank ? 1 + value : 0;
              case 3 -> home == rank ? 0 : 1 + value;
              case 4 -> draw(3);
              case 5 -> expert % localExperts == 0 ? draw(9999) : 1;
              case 6 -> 1 << draw(16);
              case 7 -> home < ranks / 2 ? 1 + draw(99) : 0;
              case 8 -> draw(4) == 0 ? draw(5000) : 0;
              case 9 -> 50_000 / (1 + place[expert]);
              case 10 -> Math.min(50_000 / (1 + place[expert]), 6000);
              case 11 -> 2_000_000 / (10 + place[expert]);
              case 12 -> 1000 - 1000 * place[expert] / experts;
              case 13 -> value < 300 ? 0 : Integer.MAX_VALUE / experts / 2;
              case 14 -> place[expert] < 3 ? 40_000 : draw(100);
              default -> draw(1000);
            };
      }
      int[] counts = new int[ranks * experts];
      int spread = draw(3);
      for (int expert = 0; expert < experts; expert++) {
        int left = loads[expert];
        int source = draw(ranks);
        while (left > 0) {
          int most = 2 * (left / ranks) + 1;
          int part =
              spread == 0 ? left : Math.min(left, spread == 1 ? 1 + draw(most) : left / ranks + 1);
          counts[source * experts + expert] += part;
          left -= part;
          source = (source + 1) % ranks;
        }
      }
      return counts;
    }

    /** SplitMix64. */
    private int draw(int bound) {
      state += 0x9E3779B97F4A7C15L;
      long mixed = (state ^ (state >>> 30)) * 0xBF58476D1CE4E5B9L;
      mixed = (mixed ^ (mixed >>> 27)) * 0x94D049BB133111EBL;
      return (int) (((mixed ^ (mixed >>> 31)) >>> 33) % bound);
    }

    private long hash(long hash, Tensor tensor) {
      for (long value : t.longs(tensor)) {
        hash = add(hash, (int) value);
      }
      return hash;
    }

    private static long add(long hash, int value) {
      return (hash ^ (value & 0xffffffffL)) * 0x100000001B3L;
    }
  }
}
