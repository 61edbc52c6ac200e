package io.antiphon.plan;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * How good plans are on 1,000 draws per row. {@code -Dantiphon.planner-table=true} prints the table
 * of {@code docs/planner.md}.
 */
class BalancedQualityTest {
  private static final int DRAWS = 1_000;
  private static final int[] SLOTS = {1, 2, 4};

  /** The draws of one row: making them takes longer than planning for them. */
  private static final int[][] drawn = new int[DRAWS][];

  private static String drawnFor = "";

  /**
   * A size, and what plans for it must keep to.
   *
   * @param clonesAt1 most clones on average with a tolerance of 1 %, one slot per rank
   * @param clonesAt2 the same with 2 %
   * @param moved most assignments moved without tolerance, as a multiple of the surplus
   * @param saved least share of moved assignments that the locality split keeps from crossing ranks
   */
  record Row(
      int ranks,
      int experts,
      double exponent,
      double clonesAt1,
      double clonesAt2,
      double moved,
      double saved) {
    int[] draw(int index) {
      String key = ranks + " " + exponent;
      if (!key.equals(drawnFor)) {
        drawnFor = key;
        Arrays.setAll(drawn, i -> ZipfCounts.draw(ranks, experts, exponent, 7919L * i + 17));
      }
      return drawn[index];
    }

    PlanShape shape(int slotsPerRank) {
      return new PlanShape(ranks, experts, slotsPerRank);
    }
  }

  static Stream<Row> rows() {
    return Stream.of(
        new Row(8, 64, 0.5, 5.3, 4.7, 1.10, 0.18),
        new Row(8, 64, 1.0, 6.0, 5.6, 1.10, 0.24),
        new Row(16, 128, 0.5, 10.6, 9.4, 1.10, 0),
        new Row(16, 128, 1.0, 12.4, 11.5, 1.10, 0),
        new Row(64, 256, 0.5, 44.5, 41, 1.03, 0.045),
        new Row(64, 256, 1.0, 52, 49.5, 1.03, 0.11));
  }

  @ParameterizedTest
  @MethodSource("rows")
  void reachTheMeanWithFewClonesAndFewMoves(Row row) {
    for (int slotsPerRank : SLOTS) {
      Results results = measure(row, slotsPerRank, 0);
      String what = row + " with " + slotsPerRank + " slots per rank: " + results;
      assertThat(results.mean()).as(what).isLessThanOrEqualTo(1.0005);
      assertThat(results.p99()).as(what).isLessThanOrEqualTo(1.001);
      assertThat(results.worst()).as(what).isLessThanOrEqualTo(1.01);
      assertThat(results.reached()).as(what).isGreaterThanOrEqualTo(0.99);
      assertThat(results.clones()).as(what).isLessThanOrEqualTo(row.ranks() - 1);
      assertThat(results.moved()).as(what).isLessThanOrEqualTo(row.moved());
    }
  }

  @ParameterizedTest
  @MethodSource("rows")
  void aToleranceSavesClonesAndIsNeverExceeded(Row row) {
    Results one = measure(row, 1, 10_000);
    assertThat(one.worst()).as("%s", one).isLessThanOrEqualTo(1.01);
    assertThat(one.clones()).as("%s", one).isLessThanOrEqualTo(row.clonesAt1());
    Results two = measure(row, 1, 20_000);
    assertThat(two.worst()).as("%s", two).isLessThanOrEqualTo(1.02);
    assertThat(two.clones()).as("%s", two).isLessThanOrEqualTo(row.clonesAt2());
  }

  @ParameterizedTest
  @MethodSource("rows")
  void neverHaveAHigherMaximumThanThePrototypes(Row row) {
    for (int slotsPerRank : SLOTS) {
      PlanShape shape = row.shape(slotsPerRank);
      Planner balanced = new BalancedPlanner(shape, BalanceOptions.EXACT);
      Planner oneShot = new OneShotPlanner(shape);
      for (int i = 0; i < DRAWS; i++) {
        int[] counts = row.draw(i);
        int ours = maxLoad(balanced, counts);
        assertThat(ours).as("draw %d", i).isLessThanOrEqualTo(maxLoad(oneShot, counts));
        if (slotsPerRank == 1) {
          assertThat(ours)
              .as("draw %d", i)
              .isLessThanOrEqualTo(maxLoad(new BinPackingPlanner(shape), counts));
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("rows")
  void theLocalitySplitSavesCrossings(Row row) {
    assertThat(saved(row)).isGreaterThanOrEqualTo(row.saved());
  }

  private static int maxLoad(Planner planner, int[] counts) {
    EchoPlan plan = new EchoPlan(planner.shape());
    planner.plan(counts, plan);
    int[] loads = new int[planner.shape().ranks()];
    RankLoads.after(plan, counts, loads);
    return Arrays.stream(loads).max().orElseThrow();
  }

  /** Share of moved assignments that cross ranks with the split in proportion but not with ours. */
  private static double saved(Row row) {
    PlanShape shape = row.shape(1);
    BalancedPlanner planner = new BalancedPlanner(shape, BalanceOptions.EXACT);
    QuotaSplit proportional = new QuotaSplit(shape);
    Imbalance imbalance = new Imbalance(shape);
    EchoPlan plan = new EchoPlan(shape);
    double saved = 0;
    for (int i = 0; i < DRAWS; i++) {
      int[] counts = row.draw(i);
      planner.plan(counts, plan);
      long ours = crossings(plan);
      imbalance.measure(counts);
      Arrays.fill(plan.toSlot(), 0);
      proportional.split(counts, imbalance, plan);
      long moved = Arrays.stream(plan.quota()).asLongStream().sum();
      saved += (double) (crossings(plan) - ours) / moved / DRAWS;
    }
    return saved;
  }

  /** How many more assignments cross ranks because of the clones. */
  private static long crossings(EchoPlan plan) {
    PlanShape shape = plan.shape();
    long crossings = 0;
    for (EchoClone clone : plan.clones()) {
      for (int source = 0; source < shape.ranks(); source++) {
        int sent = plan.toSlot()[source * shape.slots() + clone.slot()];
        crossings += source == shape.slotRank(clone.slot()) ? -sent : 0;
        crossings += source == shape.homeRank(clone.homeExpert()) ? sent : 0;
      }
    }
    return crossings;
  }

  /** What plans did on average, and at worst. */
  record Results(
      double before,
      double mean,
      double p99,
      double worst,
      double reached,
      double clones,
      double moved) {}

  private static Results measure(Row row, int slotsPerRank, int toleranceMillionths) {
    PlanShape shape = row.shape(slotsPerRank);
    BalancedPlanner planner =
        new BalancedPlanner(shape, BalanceOptions.EXACT.withTolerance(toleranceMillionths));
    EchoPlan plan = new EchoPlan(shape);
    double[] imbalance = new double[DRAWS];
    int[] loads = new int[row.ranks()];
    double before = 0;
    double reached = 0;
    double clones = 0;
    double moved = 0;
    for (int i = 0; i < DRAWS; i++) {
      int[] counts = row.draw(i);
      planner.plan(counts, plan);
      PlanInvariants.require(plan, counts);
      long total = Arrays.stream(counts).asLongStream().sum();
      long lowest = (total + row.ranks() - 1) / row.ranks();
      RankLoads.before(shape, counts, loads);
      long surplus = Arrays.stream(loads).mapToLong(load -> Math.max(0, load - lowest)).sum();
      before += Arrays.stream(loads).max().orElseThrow() * (double) row.ranks() / total / DRAWS;
      RankLoads.after(plan, counts, loads);
      int most = Arrays.stream(loads).max().orElseThrow();
      imbalance[i] = (double) most * row.ranks() / total;
      reached += most <= lowest ? 1.0 / DRAWS : 0;
      clones += (double) plan.cloneCount() / DRAWS;
      moved +=
          (double) Arrays.stream(plan.quota()).asLongStream().sum() / Math.max(1, surplus) / DRAWS;
    }
    Arrays.sort(imbalance);
    return new Results(
        before,
        Arrays.stream(imbalance).average().orElseThrow(),
        imbalance[DRAWS * 99 / 100],
        imbalance[DRAWS - 1],
        reached,
        clones,
        moved);
  }

  /** Prints the table of {@code docs/planner.md}, if asked to. */
  @AfterAll
  static void printTable() {
    if (!Boolean.getBoolean("antiphon.planner-table")) {
      return;
    }
    StringBuilder table = new StringBuilder();
    table
        .append("| R, E, exponent | before | K | tolerance | mean | p99 | worst | at the mean |")
        .append(
            " clones | moved / surplus | crossings saved |\n|---|---|---|---|---|---|---|---|---|---|---|\n");
    rows()
        .forEach(
            row -> {
              for (int slots : SLOTS) {
                append(table, row, slots, 0);
              }
              append(table, row, 1, 10_000);
              append(table, row, 1, 20_000);
            });
    System.out.print(table);
  }

  private static void append(StringBuilder table, Row row, int slots, int tolerance) {
    Results results = measure(row, slots, tolerance);
    table.append(
        String.format(
            Locale.ROOT,
            "| %d, %d, %.1f | %.2f | %d | %.0f %% | %.5f | %.5f | %.5f | %.1f %% | %.2f | %.3f | %s |%n",
            row.ranks(),
            row.experts(),
            row.exponent(),
            results.before(),
            slots,
            tolerance / 1e4,
            results.mean(),
            results.p99(),
            results.worst(),
            100 * results.reached(),
            results.clones(),
            results.moved(),
            slots == 1 && tolerance == 0
                ? String.format(Locale.ROOT, "%.1f %%", 100 * saved(row))
                : ""));
  }
}
