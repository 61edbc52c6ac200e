package io.antiphon.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SendMatrixTest {
  private static final PlanShape SHAPE = new PlanShape(2, 2, 1);
  private static final int[] COUNTS = {6, 0, 6, 2};

  /**
   * Average 7: five of expert 0 go to the slot of rank 1, two from rank 0 and three from rank 1.
   */
  private static EchoPlan plan() {
    return EchoPlan.of(SHAPE, new int[] {-1, 0}, new int[] {0, 5}, new int[] {0, 2, 0, 3});
  }

  private static SendMatrix matrix(int alignment) {
    SendMatrix matrix = new SendMatrix(SHAPE, alignment);
    matrix.fill(COUNTS, plan());
    return matrix;
  }

  @Test
  void homesKeepWhatSlotsDoNotTake() {
    SendMatrix matrix = matrix(1);

    assertThat(IntStream.range(0, 4).map(p -> matrix.rows(0, p))).containsExactly(4, 0, 0, 2);
    assertThat(IntStream.range(0, 4).map(p -> matrix.rows(1, p))).containsExactly(3, 0, 2, 3);
    assertThat(IntStream.range(0, 4).map(matrix::expertRows)).containsExactly(7, 0, 2, 5);
    assertThat(IntStream.range(0, 2).map(matrix::rankRows)).containsExactly(7, 7);
  }

  @Test
  void rowsOfARankAreByPhysicalExpertThenSourceRank() {
    SendMatrix matrix = matrix(1);

    assertThat(IntStream.range(0, 4).map(matrix::expertStart)).containsExactly(0, 7, 0, 2);
    assertThat(IntStream.range(0, 4).map(p -> matrix.firstRow(0, p))).containsExactly(0, 7, 0, 2);
    assertThat(IntStream.range(0, 4).map(p -> matrix.firstRow(1, p))).containsExactly(4, 7, 0, 4);
  }

  @Test
  void alignmentPadsTheRowsOfEveryPhysicalExpert() {
    SendMatrix matrix = matrix(4);

    assertThat(IntStream.range(0, 4).map(matrix::expertStart)).containsExactly(0, 8, 0, 4);
    assertThat(IntStream.range(0, 4).map(matrix::expertRows)).containsExactly(7, 0, 2, 5);
    assertThat(IntStream.range(0, 2).map(matrix::rankRows)).containsExactly(8, 12);
    assertThat(matrix.firstRow(1, 3)).isEqualTo(6);
  }

  @Test
  void everyAssignmentOfEveryRankHasItsOwnRowInOrderOfExpertSourceAndToken() {
    RandomCounts.forEachSeed(
        500,
        drawn -> {
          int alignment = 1 + (int) (drawn.seed() % 3) * 3;
          RandomAssignments routed = RandomAssignments.of(drawn.shape(), drawn.seed());
          List<List<Integer>> expected = new ArrayList<>();
          List<List<Integer>> actual = new ArrayList<>();
          layOutBothWays(routed, alignment, expected, actual);
          assertThat(actual).isEqualTo(expected);
        });
  }

  /** One destination row and its arrival; sorting arrivals is what {@link SendMatrix} avoids. */
  private record Arrival(int physicalExpert, int sourceRank, int assignment, int row) {}

  private static void layOutBothWays(
      RandomAssignments routed,
      int alignment,
      List<List<Integer>> expected,
      List<List<Integer>> actual) {
    PlanShape shape = routed.shape();
    EchoPlan plan = RandomCounts.Planned.by(new OneShotPlanner(shape), routed.counts()).plan();
    SendMatrix matrix = new SendMatrix(shape, alignment);
    matrix.fill(routed.counts(), plan);
    Reroute reroute = new Reroute(shape);
    List<Arrival> arrivals = new ArrayList<>();
    for (int rank = 0; rank < shape.ranks(); rank++) {
      int[] physical = new int[routed.topExperts()[rank].length];
      int[] rows = new int[physical.length];
      reroute.route(rank, plan, routed.topExperts()[rank], physical);
      matrix.destinationRows(rank, physical, rows);
      for (int i = 0; i < physical.length; i++) {
        arrivals.add(new Arrival(physical[i], rank, i, rows[i]));
      }
    }
    arrivals.sort(
        Comparator.comparingInt(Arrival::physicalExpert)
            .thenComparingInt(Arrival::sourceRank)
            .thenComparingInt(Arrival::assignment));
    for (int rank = 0; rank < shape.ranks(); rank++) {
      List<Integer> expectedRows = new ArrayList<>();
      List<Integer> actualRows = new ArrayList<>();
      int next = 0;
      for (int local = 0; local < shape.localPhysicalExperts(); local++) {
        int expert = rank * shape.localPhysicalExperts() + local;
        for (Arrival arrival : arrivals) {
          if (arrival.physicalExpert() == expert) {
            expectedRows.add(next++);
            actualRows.add(arrival.row());
          }
        }
        while (next % alignment != 0) {
          next++;
        }
      }
      expectedRows.add(next);
      actualRows.add(matrix.rankRows(rank));
      expected.add(expectedRows);
      actual.add(actualRows);
    }
  }

  @Test
  void rankRowsWithoutPaddingAreTheLoadsAfterThePlan() {
    RandomCounts.forEachPlan(
        1000,
        planned -> {
          SendMatrix matrix = new SendMatrix(planned.shape());
          matrix.fill(planned.counts(), planned.plan());
          int[] after = new int[planned.shape().ranks()];
          RankLoads.after(planned.plan(), planned.counts(), after);
          assertThat(IntStream.range(0, after.length).map(matrix::rankRows))
              .containsExactly(boxed(after));
        });
  }

  @Test
  void aPlanOfOtherCountsIsNoticed() {
    assertThatThrownBy(() -> new SendMatrix(SHAPE).fill(new int[] {6, 0, 2, 6}, plan()))
        .hasMessageContaining("moves 3 assignments of expert 0 from rank 1, which has 2 left");
    assertThatThrownBy(() -> matrix(1).destinationRows(0, new int[] {3, 3, 3}, new int[3]))
        .hasMessageContaining("more than the 2 assignments to physical expert 3");
    assertThatThrownBy(() -> matrix(1).destinationRows(0, new int[2], new int[3]))
        .hasMessageContaining("2 entries, had 3");
    assertThatThrownBy(
            () -> new SendMatrix(SHAPE).fill(COUNTS, new EchoPlan(new PlanShape(2, 4, 1))))
        .hasMessageContaining("expected");
  }

  @Test
  void paddingBeyondTheLargestIntIsRefused() {
    int[] counts = {Integer.MAX_VALUE, 0, 0, 0};
    SendMatrix exact = new SendMatrix(SHAPE);
    exact.fill(counts, new EchoPlan(SHAPE));
    assertThat(exact.rankRows(0)).isEqualTo(Integer.MAX_VALUE);

    assertThatThrownBy(() -> new SendMatrix(SHAPE, 128).fill(counts, new EchoPlan(SHAPE)))
        .hasMessageContaining("rank 0 needs 2147483648 rows")
        .hasMessageContaining("Lower the alignment");
    assertThatThrownBy(() -> new SendMatrix(SHAPE, 0)).hasMessageContaining("was 0");
  }

  private static Integer[] boxed(int[] values) {
    return IntStream.of(values).boxed().toArray(Integer[]::new);
  }
}
