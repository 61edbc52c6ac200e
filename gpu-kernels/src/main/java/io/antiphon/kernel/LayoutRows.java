package io.antiphon.kernel;

import io.antiphon.device.Arguments;
import io.antiphon.device.Grid;
import io.antiphon.device.KernelModule;
import io.antiphon.device.KernelSource;
import io.antiphon.device.Kernels;
import io.antiphon.device.Stream;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.PlanTensors;
import io.antiphon.tensor.RowTensors;
import io.antiphon.tensor.StepState;
import io.antiphon.tensor.Tensor;
import java.util.List;

/** Destinations of assignments: {@code layout_rows.cu}. */
final class LayoutRows {
  private static final String COUNT = "layout_count";
  private static final String SCAN = "layout_scan";
  private static final String PLACE = "layout_place<false>";
  private static final String PLACE_SCANNED = "layout_place<true>";
  private static final int THREADS = 256;
  private static final int WARPS = THREADS / 32;
  private static final int COLUMNS = 32;
  private static final int CHUNK = 8 * THREADS;

  /** Beyond so many chunks a launch that sums them is quicker than every block's own sums. */
  private static final int MOST_UNSCANNED = 32;

  private final KernelModule module;

  LayoutRows(Kernels kernels, DType real) {
    module = kernels.load(source(real));
  }

  static KernelSource source(DType real) {
    return new KernelSource(
        "layout_rows.cu", List.of(COUNT, SCAN, PLACE, PLACE_SCANNED), KernelSource.Target.PORTABLE);
  }

  void layoutRows(
      Stream stream,
      Tensor topExperts,
      Tensor counts,
      PlanTensors plan,
      int rank,
      long rowCapacity,
      RowTensors rows,
      StepState state) {
    int ranks = counts.extent(0);
    PlanLimits limits = new PlanLimits(ranks, counts.extent(1), plan.slots() / ranks);
    int experts = limits.experts();
    long columns = experts + (long) limits.slots();
    long assignments = topExperts.elements();
    long chunks = (assignments + CHUNK - 1) / CHUNK;
    long totals = stream.scratch(Integer.BYTES * (2 * columns + chunks * experts));
    long firsts = totals + Integer.BYTES * columns;
    long blockCounts = firsts + Integer.BYTES * columns;
    Arguments count =
        new Arguments()
            .address(CudaStorage.address(topExperts))
            .i64(assignments)
            .address(CudaStorage.address(counts))
            .address(CudaStorage.address(plan.slotHome()))
            .address(CudaStorage.address(plan.toSlot()))
            .i32(ranks)
            .i32(experts)
            .i32(limits.slots())
            .i32(rank)
            .i32(Math.toIntExact(chunks))
            .address(totals)
            .address(firsts)
            .address(blockCounts);
    long columnBlocks = (columns + COLUMNS - 1) / COLUMNS;
    module.kernel(COUNT).launch(stream, Grid.of(chunks + columnBlocks, THREADS), count);
    boolean scanned = chunks > MOST_UNSCANNED;
    if (scanned) {
      Arguments scan =
          new Arguments().i32(experts).i32(Math.toIntExact(chunks)).address(blockCounts);
      module.kernel(SCAN).launch(stream, Grid.of((experts + COLUMNS - 1) / COLUMNS, THREADS), scan);
    }
    Arguments place =
        new Arguments()
            .address(CudaStorage.address(topExperts))
            .i64(assignments)
            .address(CudaStorage.address(plan.slotHome()))
            .address(CudaStorage.address(plan.toSlot()))
            .i32(ranks)
            .i32(experts)
            .i32(limits.slots())
            .i32(rank)
            .i64(rowCapacity)
            .address(totals)
            .address(firsts)
            .address(blockCounts)
            .address(CudaStorage.address(rows.destinationRank()))
            .address(CudaStorage.address(rows.destinationRow()))
            .address(CudaStorage.address(rows.rowCounts()))
            .address(CudaStorage.address(state.overflow()))
            .address(CudaStorage.address(state.requiredRows()));
    module
        .kernel(scanned ? PLACE_SCANNED : PLACE, placeBytes(limits))
        .launch(stream, Grid.of(Math.max(1, chunks), THREADS), place);
  }

  /** As {@code layout_place} divides it; one figure for all that must ask for more than 48 KiB. */
  private static int placeBytes(PlanLimits limits) {
    int bytes = exactBytes(limits);
    return bytes <= 48 * 1024
        ? bytes
        : exactBytes(
            new PlanLimits(
                PlanLimits.MOST_RANKS, PlanLimits.MOST_EXPERTS, PlanLimits.MOST_SLOTS_PER_RANK));
  }

  private static int exactBytes(PlanLimits limits) {
    int words =
        2 * (limits.experts() + limits.slots())
            + 4 * limits.experts()
            + 2 * limits.slots()
            + limits.ranks();
    return Integer.BYTES * words + Short.BYTES * WARPS * limits.experts();
  }
}
