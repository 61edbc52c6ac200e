package io.antiphon.plan;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.ShrinkingMode;

/** What holds for every plan of the balanced planner, whatever counts and options. */
class BalancedPropertyTest {
  private static final int TRIES = 1_000;

  /** A planning problem. */
  @SuppressWarnings("ArrayRecordComponent") // carried together, never compared
  record Problem(PlanShape shape, BalanceOptions options, int[] counts) {
    EchoPlan plan() {
      EchoPlan plan = new EchoPlan(shape);
      new BalancedPlanner(shape, options).plan(counts, plan);
      return plan;
    }

    int maxLoad(EchoPlan plan) {
      int[] loads = new int[shape.ranks()];
      RankLoads.after(plan, counts, loads);
      return Arrays.stream(loads).max().orElseThrow();
    }

    @Override
    public String toString() {
      return shape + ", " + options + ", counts " + Arrays.toString(counts);
    }
  }

  @Provide
  Arbitrary<Problem> problems() {
    Arbitrary<Integer> ranks = Arbitraries.integers().between(1, 9);
    Arbitrary<Integer> localExperts = Arbitraries.integers().between(1, 5);
    Arbitrary<Integer> slots = Arbitraries.integers().between(0, 6);
    Arbitrary<Integer> tolerance = Arbitraries.of(0, 0, 10_000, 200_000);
    Arbitrary<Integer> nodes = Arbitraries.of(1, 2, 4, BalanceOptions.UNLIMITED);
    Arbitrary<Integer> least = Arbitraries.of(1, 1, 7);
    Arbitrary<Integer> pairs = Arbitraries.of(BalanceOptions.UNLIMITED, 50, 2_000);
    Arbitrary<Long> seeds = Arbitraries.longs();
    return Combinators.combine(ranks, localExperts, slots, tolerance, nodes, least, pairs, seeds)
        .as(
            (r, h, k, band, perNode, quota, pair, seed) -> {
              PlanShape shape = new PlanShape(r, r * h, Math.min(k, r * h));
              BalanceOptions options =
                  BalanceOptions.EXACT
                      .withTolerance(band)
                      .withRanksPerNode(perNode)
                      .withMinQuota(quota, 3 * quota)
                      .withPairCapacity(pair);
              return new Problem(shape, options, HardCounts.draw(shape, new Random(seed)));
            });
  }

  @Property(tries = TRIES, shrinking = ShrinkingMode.BOUNDED)
  void theInvariantsHold(@ForAll("problems") Problem problem) {
    EchoPlan plan = problem.plan();
    PlanInvariants.require(plan, problem.counts());
    PlanInvariants.requirePrefix(plan);
  }

  @Property(tries = TRIES, shrinking = ShrinkingMode.BOUNDED)
  void theSameCountsGiveTheSamePlanAgain(@ForAll("problems") Problem problem) {
    BalancedPlanner planner = new BalancedPlanner(problem.shape(), problem.options());
    EchoPlan first = new EchoPlan(problem.shape());
    EchoPlan other = new EchoPlan(problem.shape());
    planner.plan(problem.counts(), first);
    planner.plan(HardCounts.draw(problem.shape(), new Random(1)), other); // leaves traces, if any
    planner.plan(problem.counts(), other);
    assertThat(other.slotHome()).containsExactly(first.slotHome());
    assertThat(other.quota()).containsExactly(first.quota());
    assertThat(other.toSlot()).containsExactly(first.toSlot());
  }

  @Property(tries = TRIES, shrinking = ShrinkingMode.BOUNDED)
  void clonesPay(@ForAll("problems") Problem problem) {
    if (problem.options().pairCapacity() < BalanceOptions.UNLIMITED) {
      return; // a full pair may shrink a quota
    }
    for (EchoClone clone : problem.plan().clones()) {
      PlanShape shape = problem.shape();
      boolean sameNode =
          problem.options().node(shape.slotRank(clone.slot()))
              == problem.options().node(shape.homeRank(clone.homeExpert()));
      assertThat(clone.quota()).isGreaterThanOrEqualTo(problem.options().minQuota(sameNode));
    }
  }

  @Property(tries = TRIES, shrinking = ShrinkingMode.BOUNDED)
  void heldClonesSaveTransfersAndCostNoBalance(@ForAll("problems") Problem problem) {
    EchoPlan fresh = problem.plan();
    int[] changed = problem.counts().clone();
    Random random = new Random(changed.length);
    for (int i = 0; i < changed.length; i++) {
      changed[i] += changed[i] == 0 ? 0 : random.nextInt(1 + changed[i] / 8);
    }
    Problem next = new Problem(problem.shape(), problem.options(), changed);
    EchoPlan reused = new EchoPlan(problem.shape());
    new BalancedPlanner(problem.shape(), problem.options()).plan(changed, fresh.slotHome(), reused);
    PlanInvariants.require(reused, changed);
    EchoPlan anew = next.plan();
    if (problem.options().pairCapacity() == BalanceOptions.UNLIMITED) {
      assertThat(next.maxLoad(reused)).isLessThanOrEqualTo(bound(next, anew));
    }
  }

  /** The maximum of a plan, or the end of the band if that is higher. */
  private static int bound(Problem problem, EchoPlan plan) {
    long total = Arrays.stream(problem.counts()).asLongStream().sum();
    long band =
        total
            * (BalanceOptions.MILLION + problem.options().toleranceMillionths())
            / ((long) BalanceOptions.MILLION * problem.shape().ranks());
    return (int) Math.max(band, problem.maxLoad(plan));
  }

  @Property(tries = TRIES, shrinking = ShrinkingMode.BOUNDED)
  void noPairExceedsItsCapacityUnlessItDidBefore(@ForAll("problems") Problem problem) {
    PlanShape shape = problem.shape();
    SendMatrix before = new SendMatrix(shape);
    before.fill(problem.counts(), new EchoPlan(shape));
    SendMatrix after = new SendMatrix(shape);
    after.fill(problem.counts(), problem.plan());
    for (int source = 0; source < shape.ranks(); source++) {
      for (int rank = 0; rank < shape.ranks(); rank++) {
        long limit = Math.max(problem.options().pairCapacity(), rows(before, shape, source, rank));
        if (source != rank) {
          assertThat(rows(after, shape, source, rank)).isLessThanOrEqualTo(limit);
        }
      }
    }
  }

  private static long rows(SendMatrix matrix, PlanShape shape, int source, int rank) {
    int local = shape.localPhysicalExperts();
    long rows = 0;
    for (int i = rank * local; i < (rank + 1) * local; i++) {
      rows += matrix.rows(source, i);
    }
    return rows;
  }
}
