package io.antiphon.cpu;

import io.antiphon.plan.BalanceOptions;
import io.antiphon.plan.BalancedPlanner;
import io.antiphon.plan.BinPackingPlanner;
import io.antiphon.plan.EchoPlan;
import io.antiphon.plan.NoClonesPlanner;
import io.antiphon.plan.OneShotPlanner;
import io.antiphon.plan.PlanShape;
import io.antiphon.plan.Planner;
import io.antiphon.plan.PlannerKind;
import io.antiphon.plan.RankLoads;
import io.antiphon.plan.Reroute;
import io.antiphon.plan.SendMatrix;
import io.antiphon.tensor.OpParts;
import io.antiphon.tensor.PlanTensors;
import io.antiphon.tensor.RowTensors;
import io.antiphon.tensor.StepState;
import io.antiphon.tensor.Tensor;
import java.util.Arrays;
import java.util.stream.IntStream;

/** Counting, planning and row layout through the planners in Java. */
final class CpuPlan implements OpParts.Plan {
  private final Recorder recorder;

  CpuPlan(Recorder recorder) {
    this.recorder = recorder;
  }

  @Override
  public void countAssignments(Tensor topExperts, Tensor counts) {
    recorder.submit(
        () -> {
          int[] expert = CpuMemory.ints(topExperts);
          int[] count = CpuMemory.ints(counts);
          int from = CpuMemory.offset(counts);
          Arrays.fill(count, from, from + counts.extent(0), 0);
          for (int i = 0; i < topExperts.elements(); i++) {
            int chosen = expert[CpuMemory.offset(topExperts) + i];
            count[from + IndexChecks.index("expert", chosen, counts.extent(0))]++;
          }
        });
  }

  @Override
  public void plan(PlannerKind kind, BalanceOptions options, Tensor counts, PlanTensors plan) {
    PlanShape shape = shape(counts, plan);
    Planner planner =
        switch (kind) {
          case NONE -> new NoClonesPlanner(shape);
          case BIN_PACKING -> new BinPackingPlanner(shape);
          case ONE_SHOT -> new OneShotPlanner(shape);
          case BALANCED -> new BalancedPlanner(shape, options);
        };
    EchoPlan result = new EchoPlan(shape);
    recorder.submit(
        () -> {
          planner.plan(ints(counts), result);
          write(result.slotHome(), plan.slotHome());
          write(result.quota(), plan.quota());
          write(result.toSlot(), plan.toSlot());
        });
  }

  @Override
  public void replan(
      BalanceOptions options, Tensor counts, Tensor held, Tensor toSend, PlanTensors plan) {
    PlanShape shape = shape(counts, plan);
    BalancedPlanner planner = new BalancedPlanner(shape, options);
    EchoPlan result = new EchoPlan(shape);
    int[] missing = new int[shape.slots()];
    recorder.submit(
        () -> {
          int[] holding = ints(held);
          planner.plan(ints(counts), holding, result);
          int[] wanted = result.slotHome();
          for (int slot = 0; slot < missing.length; slot++) {
            boolean lacks = wanted[slot] != EchoPlan.UNUSED && wanted[slot] != holding[slot];
            missing[slot] = lacks ? wanted[slot] : EchoPlan.UNUSED;
            holding[slot] = lacks ? wanted[slot] : holding[slot];
          }
          write(missing, toSend);
          write(holding, held);
          write(wanted, plan.slotHome());
          write(result.quota(), plan.quota());
          write(result.toSlot(), plan.toSlot());
        });
  }

  @Override
  public void layoutRows(
      Tensor topExperts,
      Tensor counts,
      PlanTensors plan,
      int rank,
      long rowCapacity,
      RowTensors rows,
      StepState state) {
    PlanShape shape = shape(counts, plan);
    Reroute reroute = new Reroute(shape);
    SendMatrix matrix = new SendMatrix(shape);
    int assignments = (int) topExperts.elements();
    int[] physicalExperts = new int[assignments];
    int[] destinationRows = new int[assignments];
    int[] destinationRanks = new int[assignments];
    int local = shape.localPhysicalExperts();
    recorder.submit(
        () -> {
          EchoPlan current = read(shape, plan);
          matrix.fill(ints(counts), current);
          reroute.route(rank, current, ints(topExperts), physicalExperts);
          matrix.destinationRows(rank, physicalExperts, destinationRows);
          for (int i = 0; i < assignments; i++) {
            destinationRanks[i] =
                destinationRows[i] < rowCapacity ? physicalExperts[i] / local : -1;
          }
          write(destinationRanks, rows.destinationRank());
          write(destinationRows, rows.destinationRow());
          writeRowCounts(matrix, rank * local, rowCapacity, rows.rowCounts());
          int needed = IntStream.range(0, shape.ranks()).map(matrix::rankRows).max().orElse(0);
          raise(state, needed, rowCapacity);
        });
  }

  private static void writeRowCounts(
      SendMatrix matrix, int firstExpert, long rowCapacity, Tensor rowCounts) {
    int[] counts = CpuMemory.ints(rowCounts);
    for (int local = 0; local < rowCounts.extent(0); local++) {
      long room = rowCapacity - matrix.expertStart(firstExpert + local);
      long fitting = Math.min(matrix.expertRows(firstExpert + local), Math.max(0, room));
      counts[CpuMemory.offset(rowCounts) + local] = (int) fitting;
    }
  }

  private static void raise(StepState state, int needed, long rowCapacity) {
    long[] required = CpuMemory.longs(state.requiredRows());
    int at = CpuMemory.offset(state.requiredRows());
    required[at] = Math.max(required[at], needed);
    if (needed > rowCapacity) {
      CpuMemory.ints(state.overflow())[CpuMemory.offset(state.overflow())] = 1;
    }
  }

  @Override
  public void recordLoads(Tensor counts, PlanTensors plan, Tensor toSend, Tensor statistics) {
    PlanShape shape = shape(counts, plan);
    int[] before = new int[shape.ranks()];
    int[] after = new int[shape.ranks()];
    recorder.submit(
        () -> {
          EchoPlan current = read(shape, plan);
          int[] count = ints(counts);
          RankLoads.before(shape, count, before);
          RankLoads.after(current, count, after);
          double[] sum = CpuMemory.doubles(statistics);
          int at = CpuMemory.offset(statistics);
          for (int i = 0; i < count.length; i++) {
            sum[at + i % shape.experts()] += count[i];
          }
          at += shape.experts();
          for (int rank = 0; rank < shape.ranks(); rank++) {
            sum[at + rank] += before[rank];
            sum[at + shape.ranks() + rank] += after[rank];
          }
          at += 2 * shape.ranks();
          sum[at] += imbalance(before);
          sum[at + 1] += imbalance(after);
          sum[at + 2] += current.cloneCount();
          sum[at + 3] +=
              Arrays.stream(ints(toSend)).filter(home -> home != EchoPlan.UNUSED).count();
        });
  }

  /** max/mean; 1 without any load. */
  private static double imbalance(int[] loads) {
    long total = Arrays.stream(loads).asLongStream().sum();
    int most = Arrays.stream(loads).max().orElse(0);
    return total == 0 ? 1 : (double) most * loads.length / total;
  }

  private static PlanShape shape(Tensor counts, PlanTensors plan) {
    int ranks = counts.extent(0);
    return new PlanShape(ranks, counts.extent(1), plan.slots() / ranks);
  }

  private static EchoPlan read(PlanShape shape, PlanTensors plan) {
    return EchoPlan.of(shape, ints(plan.slotHome()), ints(plan.quota()), ints(plan.toSlot()));
  }

  private static int[] ints(Tensor tensor) {
    int from = CpuMemory.offset(tensor);
    return Arrays.copyOfRange(CpuMemory.ints(tensor), from, from + (int) tensor.elements());
  }

  private static void write(int[] values, Tensor to) {
    System.arraycopy(values, 0, CpuMemory.ints(to), CpuMemory.offset(to), values.length);
  }
}
