package io.antiphon.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.antiphon.plan.BalanceOptions;
import io.antiphon.plan.PlannerKind;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.PlanTensors;
import io.antiphon.tensor.RowTensors;
import io.antiphon.tensor.StepState;
import io.antiphon.tensor.Tensor;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** What the ranks of a group together make of a plan: rows, capacity and statistics. */
class RowLayoutTest {
  private static final int RANKS = 4;
  private static final int EXPERTS = 8;
  private static final int TOKENS = 33;
  private static final int TOP_K = 2;
  private static final int AMPLE = 300;

  private final TestTensors t = new TestTensors(CpuBackend.f64());

  /** One group whose ranks all prefer the same few experts. */
  private final class Group {
    private final Tensor[] topExperts = new Tensor[RANKS];
    private final Tensor counts = t.of(DType.I32, RANKS, EXPERTS);
    private final int slotsPerRank;
    private final PlanTensors plan;
    private final RowTensors[] rows = new RowTensors[RANKS];
    private final StepState[] states = new StepState[RANKS];

    Group(long seed, PlannerKind planner, int slotsPerRank) {
      this.slotsPerRank = slotsPerRank;
      SplittableRandom random = new SplittableRandom(seed);
      for (int rank = 0; rank < RANKS; rank++) {
        int[] chosen = new int[TOKENS * TOP_K];
        for (int token = 0; token < TOKENS; token++) {
          int first = (int) (EXPERTS * Math.pow(random.nextDouble(), 3));
          chosen[TOP_K * token] = first;
          chosen[TOP_K * token + 1] = (first + 1 + random.nextInt(EXPERTS - 1)) % EXPERTS;
        }
        topExperts[rank] = t.ints(chosen).reshape(TOKENS, TOP_K);
        t.ops().countAssignments(topExperts[rank], counts.rows(rank, 1).reshape(EXPERTS));
      }
      plan = t.plan(RANKS, slotsPerRank);
      t.ops().plan(planner, BalanceOptions.EXACT, counts, plan);
    }

    void layOut(int capacity) {
      for (int rank = 0; rank < RANKS; rank++) {
        rows[rank] = t.rows(TOKENS, TOP_K, EXPERTS / RANKS + slotsPerRank);
        states[rank] = t.state();
        t.ops()
            .layoutRows(topExperts[rank], counts, plan, rank, capacity, rows[rank], states[rank]);
      }
    }

    long rowsOf(int rank) {
      return Arrays.stream(t.longs(rows[rank].rowCounts())).sum();
    }
  }

  @Test
  void everyRowOfEveryRankIsFilledOnceAndByItsExpert() {
    for (long seed = 1; seed <= 20; seed++) {
      for (int slotsPerRank = 0; slotsPerRank <= 3; slotsPerRank++) {
        Group group =
            new Group(
                seed, slotsPerRank == 0 ? PlannerKind.NONE : PlannerKind.ONE_SHOT, slotsPerRank);
        group.layOut(AMPLE);
        long[] slotHome = t.longs(group.plan.slotHome());
        boolean[][] filled = new boolean[RANKS][AMPLE];
        for (int rank = 0; rank < RANKS; rank++) {
          long[] to = t.longs(group.rows[rank].destinationRank());
          long[] row = t.longs(group.rows[rank].destinationRow());
          long[] expert = t.longs(group.topExperts[rank]);
          for (int i = 0; i < to.length; i++) {
            int destination = (int) to[i];
            assertThat(filled[destination][(int) row[i]]).as("seed %d: twice", seed).isFalse();
            filled[destination][(int) row[i]] = true;
            assertThat(expertAt(group, destination, row[i], slotHome))
                .as("seed %d, rank %d, assignment %d", seed, rank, i)
                .isEqualTo(expert[i]);
          }
        }
        for (int rank = 0; rank < RANKS; rank++) {
          for (int row = 0; row < AMPLE; row++) {
            assertThat(filled[rank][row]).isEqualTo(row < group.rowsOf(rank));
          }
        }
      }
    }
  }

  /** The home expert whose weights compute a row of a rank. */
  private long expertAt(Group group, int rank, long row, long[] slotHome) {
    long[] counts = t.longs(group.rows[rank].rowCounts());
    int local = 0;
    for (long end = counts[0]; row >= end; end += counts[local]) {
      local++;
    }
    int homes = EXPERTS / RANKS;
    return local < homes
        ? (long) rank * homes + local
        : slotHome[rank * group.slotsPerRank + local - homes];
  }

  /** The trap "silent overflow": one rank too full is seen by all, and no row lies outside. */
  @Test
  void everyRankFlagsAnOverflowAnywhereAndNoRowPassesTheCapacity() {
    for (long seed = 1; seed <= 20; seed++) {
      Group group = new Group(seed, PlannerKind.BIN_PACKING, 1);
      group.layOut(AMPLE);
      long most = t.longs(group.states[0].requiredRows())[0];
      for (int shortage = 0; shortage <= 7; shortage++) {
        int capacity = (int) most - shortage;
        group.layOut(capacity);
        for (int rank = 0; rank < RANKS; rank++) {
          StepState state = group.states[rank];
          assertThat(t.longs(state.overflow())[0]).isEqualTo(shortage == 0 ? 0 : 1);
          assertThat(t.longs(state.requiredRows())).containsExactly(most);
          assertThat(group.rowsOf(rank)).isLessThanOrEqualTo(capacity);
          long[] to = t.longs(group.rows[rank].destinationRank());
          long[] row = t.longs(group.rows[rank].destinationRow());
          for (int i = 0; i < to.length; i++) {
            assertThat(to[i] >= 0).isEqualTo(row[i] < capacity);
          }
        }
      }
    }
  }

  @Test
  void anOverflowStaysAndTheRequiredRowsOnlyGrow() {
    Group group = new Group(1, PlannerKind.NONE, 0);
    RowTensors rows = t.rows(TOKENS, TOP_K, EXPERTS / RANKS);
    StepState state = t.state();
    t.write(state.requiredRows(), 9999);
    t.write(state.overflow(), 1);
    t.ops().layoutRows(group.topExperts[0], group.counts, group.plan, 0, AMPLE, rows, state);
    assertThat(t.longs(state.requiredRows())).containsExactly(9999);
    assertThat(t.longs(state.overflow())).containsExactly(1);
  }

  /** The trap "handle mutated in place": nothing that uses a plan changes it. */
  @Test
  void layoutAndStatisticsLeaveThePlanAlone() {
    Group group = new Group(3, PlannerKind.ONE_SHOT, 2);
    double[] slotHome = t.read(group.plan.slotHome());
    double[] quota = t.read(group.plan.quota());
    double[] toSlot = t.read(group.plan.toSlot());
    group.layOut(20);
    Tensor statistics = t.of(DType.F64, EXPERTS + 2 * RANKS + 4);
    t.ops().recordLoads(group.counts, group.plan, group.plan.slotHome(), statistics);
    assertThat(t.read(group.plan.slotHome())).isEqualTo(slotHome);
    assertThat(t.read(group.plan.quota())).isEqualTo(quota);
    assertThat(t.read(group.plan.toSlot())).isEqualTo(toSlot);
  }

  @Test
  void statisticsCountHomeExpertsAndRanksBeforeAndAfterThePlan() {
    // Two ranks with one expert each; 10 of 12 assignments want expert 0, 4 of them move.
    Tensor counts = t.ints(6, 1, 4, 1).reshape(2, 2);
    PlanTensors plan = t.plan(2, 1);
    t.ops().plan(PlannerKind.BIN_PACKING, BalanceOptions.EXACT, counts, plan);
    Tensor statistics = t.doubles(1, 0, 0, 0, 0, 0, 0, 0, 0, 5);
    t.ops().recordLoads(counts, plan, plan.slotHome(), statistics);
    assertThat(t.read(statistics)).containsExactly(11, 2, 10, 2, 6, 6, 10 / 6.0, 1, 1, 6);
    t.ops().recordLoads(counts, plan, t.ints(-1, -1), statistics);
    assertThat(t.read(statistics)).endsWith(2, 6);
    Tensor nothing = t.of(DType.F64, 10);
    Tensor none = t.of(DType.I32, 2, 2);
    t.ops().plan(PlannerKind.BIN_PACKING, BalanceOptions.EXACT, none, plan);
    t.ops().recordLoads(none, plan, plan.slotHome(), nothing);
    assertThat(t.read(nothing)).containsExactly(0, 0, 0, 0, 0, 0, 1, 1, 0, 0);
  }

  @Test
  void aReplanSendsOnlyWhatSlotsDoNotHoldAndRemembersTheRest() {
    // Two ranks with two experts and two slots each; rank 0 is overloaded, later rank 1 as well.
    PlanTensors plan = t.plan(2, 2);
    Tensor held = t.ints(-1, -1, -1, 0);
    Tensor toSend = t.ints(7, 7, 7, 7);
    replan(plan, held, toSend, 8, 0, 2, 2);
    assertThat(t.longs(plan.slotHome())).containsExactly(-1, -1, -1, 0);
    assertThat(t.longs(toSend)).containsExactly(-1, -1, -1, -1);
    assertThat(t.longs(held)).containsExactly(-1, -1, -1, 0);
    replan(plan, held, toSend, 0, 8, 2, 2);
    assertThat(t.longs(plan.slotHome())).containsExactly(-1, -1, 1, -1);
    assertThat(t.longs(toSend)).containsExactly(-1, -1, 1, -1);
    assertThat(t.longs(held)).as("unused slot 3 keeps its weights").containsExactly(-1, -1, 1, 0);
    replan(plan, held, toSend, 2, 2, 8, 0);
    assertThat(t.longs(toSend)).containsExactly(2, -1, -1, -1);
    assertThat(t.longs(held)).containsExactly(2, -1, 1, 0);
    replan(plan, held, toSend, 8, 0, 2, 2);
    assertThat(t.longs(plan.slotHome())).containsExactly(-1, -1, -1, 0);
    assertThat(t.longs(toSend)).containsExactly(-1, -1, -1, -1);
  }

  private void replan(PlanTensors plan, Tensor held, Tensor toSend, int... countsOfRankZero) {
    int[] counts = Arrays.copyOf(countsOfRankZero, 8);
    Tensor all = t.ints(counts).reshape(2, 4);
    t.ops().replan(BalanceOptions.EXACT, all, held, toSend, plan);
  }

  @Test
  void plansOfTensorsKnowNoPairCapacity() {
    PlanTensors plan = t.plan(2, 1);
    BalanceOptions limited = BalanceOptions.EXACT.withPairCapacity(7);
    assertThatThrownBy(
            () -> t.ops().plan(PlannerKind.BALANCED, limited, t.of(DType.I32, 2, 2), plan))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("pairCapacity=7");
  }
}
