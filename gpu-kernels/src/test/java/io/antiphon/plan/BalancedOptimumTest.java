package io.antiphon.plan;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import org.chocosolver.solver.Model;
import org.chocosolver.solver.Solution;
import org.chocosolver.solver.Solver;
import org.chocosolver.solver.variables.BoolVar;
import org.chocosolver.solver.variables.IntVar;
import org.junit.jupiter.api.Test;

/** The balanced planner against exact optima of an integer program, on small groups. */
class BalancedOptimumTest {
  private static final int CASES = 150;

  @Test
  void theMaximumIsTheOptimumOrNearIt() {
    int optimal = 0;
    int extraClones = 0;
    double worst = 1;
    for (int seed = 1; seed <= CASES; seed++) {
      Random random = new Random(seed * 0x9E3779B97F4A7C15L);
      PlanShape shape = shape(random);
      int[] counts = counts(shape, random);
      EchoPlan plan = new EchoPlan(shape);
      new BalancedPlanner(shape, BalanceOptions.EXACT).plan(counts, plan);
      PlanInvariants.require(plan, counts);
      int[] loads = new int[shape.ranks()];
      RankLoads.after(plan, counts, loads);
      int ours = Arrays.stream(loads).max().orElseThrow();

      int exact = new Program(shape, counts).leastMaximum();
      assertThat(ours).as("seed %d, %s", seed, shape).isGreaterThanOrEqualTo(exact);
      worst = Math.max(worst, (double) ours / exact);
      if (ours == exact) {
        optimal++;
        int fewest = new Program(shape, counts).fewestClones(exact);
        int extra = plan.cloneCount() - fewest;
        assertThat(extra).as("clones beyond the fewest, seed %d", seed).isBetween(0, 1);
        extraClones += extra;
      }
    }
    assertThat(optimal).isGreaterThanOrEqualTo(CASES * 99 / 100);
    assertThat(worst).isLessThanOrEqualTo(1.05);
    assertThat(extraClones).isLessThanOrEqualTo(CASES / 50);
  }

  private static PlanShape shape(Random random) {
    int ranks = 2 + random.nextInt(3);
    int localExperts = 1 + random.nextInt(3);
    int slotsPerRank = 1 + random.nextInt(Math.min(2, ranks * localExperts));
    return new PlanShape(ranks, ranks * localExperts, slotsPerRank);
  }

  private static int[] counts(PlanShape shape, Random random) {
    double skew = 2 * random.nextDouble();
    int[] place = RandomCounts.shuffled(shape.experts(), random);
    int[] counts = new int[shape.ranks() * shape.experts()];
    Arrays.setAll(
        counts,
        i -> (int) (40 * Math.pow(1 + place[i % shape.experts()], -skew) * random.nextDouble()));
    return counts;
  }

  /** Assignments moved from each expert to each rank, and whether a clone is there. */
  private static final class Program {
    private final PlanShape shape;
    private final GroupLoads loads;
    private final Model model = new Model();
    private final IntVar[][] moved;
    private final BoolVar[][] clone;
    private final IntVar maximum;
    private final IntVar clones;

    Program(PlanShape shape, int[] counts) {
      this.shape = shape;
      this.moved = new IntVar[shape.experts()][shape.ranks()];
      this.clone = new BoolVar[shape.experts()][shape.ranks()];
      loads = new GroupLoads(shape);
      loads.measure(counts);
      maximum =
          model.intVar(
              "maximum", loads.meanRoundedUp(), Arrays.stream(loads.ofRanks()).max().orElseThrow());
      clones = model.intVar("clones", 0, shape.slots());
      for (int expert = 0; expert < shape.experts(); expert++) {
        move(expert);
      }
      for (int rank = 0; rank < shape.ranks(); rank++) {
        limit(rank);
      }
      BoolVar[] all = Arrays.stream(clone).flatMap(Arrays::stream).toArray(BoolVar[]::new);
      model.sum(all, "=", clones).post();
    }

    private void move(int expert) {
      int load = loads.ofExperts()[expert];
      for (int rank = 0; rank < shape.ranks(); rank++) {
        boolean home = rank == shape.homeRank(expert);
        moved[expert][rank] = model.intVar(0, home ? 0 : load, true);
        clone[expert][rank] = model.boolVar();
        model.arithm(moved[expert][rank], ">", 0).reifyWith(clone[expert][rank]);
      }
      model.sum(moved[expert], "<=", load).post();
    }

    private void limit(int rank) {
      int experts = shape.experts();
      BoolVar[] here = new BoolVar[experts];
      IntVar[] flows = new IntVar[experts + shape.localExperts() * shape.ranks() + 1];
      int[] signs = new int[flows.length];
      int next = 0;
      for (int expert = 0; expert < experts; expert++) {
        here[expert] = clone[expert][rank];
        flows[next] = moved[expert][rank];
        signs[next++] = 1;
      }
      for (int local = 0; local < shape.localExperts(); local++) {
        for (int other = 0; other < shape.ranks(); other++) {
          flows[next] = moved[rank * shape.localExperts() + local][other];
          signs[next++] = -1;
        }
      }
      flows[next] = maximum;
      signs[next] = -1;
      model.sum(here, "<=", shape.slotsPerRank()).post();
      model.scalar(flows, signs, "<=", -loads.ofRanks()[rank]).post();
    }

    int leastMaximum() {
      return minimum(maximum);
    }

    int fewestClones(int most) {
      model.arithm(maximum, "<=", most).post();
      return minimum(clones);
    }

    private int minimum(IntVar objective) {
      Solver solver = model.getSolver();
      Solution best = solver.findOptimalSolution(objective, Model.MINIMIZE);
      assertThat(solver.isObjectiveOptimal()).isTrue();
      return best.getIntVal(objective);
    }
  }
}
