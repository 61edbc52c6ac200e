package io.antiphon.plan;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

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

  private static Problem problem(long seed) {
    Random random = new Random(seed);
    int ranks = between(random, 1, 9);
    int localExperts = between(random, 1, 5);
    int slots = Math.min(between(random, 0, 6), ranks * localExperts);
    PlanShape shape = new PlanShape(ranks, ranks * localExperts, slots);
    int least = any(random, 1, 1, 7);
    BalanceOptions options =
        BalanceOptions.EXACT
            .withTolerance(any(random, 0, 0, 10_000, 200_000))
            .withRanksPerNode(any(random, 1, 2, 4, BalanceOptions.UNLIMITED))
            .withMinQuota(least, 3 * least)
            .withPairCapacity(any(random, BalanceOptions.UNLIMITED, 50, 2_000));
    return new Problem(shape, options, HardCounts.draw(shape, random));
  }

  /** A number of a range, its ends more often than the others. */
  private static int between(Random random, int lowest, int highest) {
    return switch (random.nextInt(5)) {
      case 0 -> lowest;
      case 1 -> highest;
      default -> lowest + random.nextInt(highest - lowest + 1);
    };
  }

  private static int any(Random random, int... values) {
    return values[random.nextInt(values.length)];
  }

  /** Checks problems of the seeds {@code 0 .. TRIES - 1}; a failure names its seed. */
  private static void forAll(Consumer<Problem> property) {
    for (long seed = 0; seed < TRIES; seed++) {
      Problem problem = problem(seed);
      try {
        property.accept(problem);
      } catch (RuntimeException | AssertionError e) {
        throw new AssertionError("seed " + seed + ", " + problem + ": " + e.getMessage(), e);
      }
    }
  }

  @Test
  void theInvariantsHold() {
    forAll(BalancedPropertyTest::requireInvariants);
  }

  private static void requireInvariants(Problem problem) {
    EchoPlan plan = problem.plan();
    PlanInvariants.require(plan, problem.counts());
    PlanInvariants.requirePrefix(plan);
  }

  @Test
  void theSameCountsGiveTheSamePlanAgain() {
    forAll(BalancedPropertyTest::requireTheSameAgain);
  }

  private static void requireTheSameAgain(Problem problem) {
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

  @Test
  void clonesPay() {
    forAll(BalancedPropertyTest::requireWorthwhileClones);
  }

  private static void requireWorthwhileClones(Problem problem) {
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

  @Test
  void heldClonesSaveTransfersAndCostNoBalance() {
    forAll(BalancedPropertyTest::requireBalanceWithHeldClones);
  }

  private static void requireBalanceWithHeldClones(Problem problem) {
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

  @Test
  void noPairExceedsItsCapacityUnlessItDidBefore() {
    forAll(BalancedPropertyTest::requireLightPairs);
  }

  private static void requireLightPairs(Problem problem) {
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
