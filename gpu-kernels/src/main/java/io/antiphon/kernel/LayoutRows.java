package io.antiphon.kernel;

import io.antiphon.device.Arguments;
import io.antiphon.device.Grid;
import io.antiphon.device.KernelModule;
import io.antiphon.device.KernelSource;
import io.antiphon.device.Kernels;
import io.antiphon.device.Stream;
import io.antiphon.tensor.PlanTensors;
import io.antiphon.tensor.RowTensors;
import io.antiphon.tensor.StepState;
import io.antiphon.tensor.Tensor;
import java.util.List;

/** Destinations of a rank's assignments: layout_rows.cu. */
final class LayoutRows {
  static final int THREADS = 256;
  static final int CHUNK = 2048;
  private static final int WARP = 32;
  private static final int WARPS = THREADS / WARP;

  /** Up to here every block adds up the counts of the chunks before it. */
  private static final int FEW_CHUNKS = 16;

  private final KernelModule module;

  LayoutRows(Kernels kernels) {
    module = kernels.load(source());
  }

  static KernelSource source() {
    return new KernelSource(
        "layout_rows.cu",
        List.of("layout_count", "layout_scan", "layout_place<false>", "layout_place<true>"),
        KernelSource.Target.PORTABLE);
  }

  void enqueue(
      Stream stream,
      Tensor topExperts,
      Tensor counts,
      PlanTensors plan,
      int rank,
      long rowCapacity,
      RowTensors rows,
      StepState state) {
    PlanKernels.requireLimits(counts, plan);
    int ranks = counts.extent(0);
    int experts = counts.extent(1);
    int slots = plan.slots();
    int columns = experts + slots;
    long assignments = topExperts.elements();
    int chunks = Math.toIntExact((assignments + CHUNK - 1) / CHUNK);
    long totals = stream.scratch((2L * columns + (long) chunks * experts) * Integer.BYTES);
    long firsts = totals + (long) columns * Integer.BYTES;
    long blockCounts = firsts + (long) columns * Integer.BYTES;
    module
        .kernel("layout_count")
        .launch(
            stream,
            Grid.of(chunks + (columns + WARP - 1) / WARP, THREADS),
            new Arguments()
                .address(CudaStorage.address(topExperts))
                .i64(assignments)
                .address(CudaStorage.address(counts))
                .address(CudaStorage.address(plan.slotHome()))
                .address(CudaStorage.address(plan.toSlot()))
                .i32(ranks)
                .i32(experts)
                .i32(slots)
                .i32(rank)
                .i32(chunks)
                .address(totals)
                .address(firsts)
                .address(blockCounts));
    boolean scanned = chunks > FEW_CHUNKS;
    if (scanned) {
      module
          .kernel("layout_scan")
          .launch(
              stream,
              Grid.of((experts + WARP - 1) / WARP, THREADS),
              new Arguments().i32(experts).i32(chunks).address(blockCounts));
    }
    module
        .kernel("layout_place<" + scanned + ">", sharedBytes(ranks, experts, slots))
        .launch(
            stream,
            Grid.of(Math.max(chunks, 1), THREADS),
            new Arguments()
                .address(CudaStorage.address(topExperts))
                .i64(assignments)
                .address(CudaStorage.address(plan.slotHome()))
                .address(CudaStorage.address(plan.toSlot()))
                .i32(ranks)
                .i32(experts)
                .i32(slots)
                .i32(rank)
                .i64(rowCapacity)
                .address(totals)
                .address(firsts)
                .address(blockCounts)
                .address(CudaStorage.address(rows.destinationRank()))
                .address(CudaStorage.address(rows.destinationRow()))
                .address(CudaStorage.address(rows.rowCounts()))
                .address(CudaStorage.address(state.overflow()))
                .address(CudaStorage.address(state.requiredRows())));
  }

  /** {@code layout_place_shared_bytes}: tables, and counts of assignments in each warp. */
  static int sharedBytes(int ranks, int experts, int slots) {
    int tables = 2 * (experts + slots) + 4 * experts + 2 * slots + ranks;
    return tables * Integer.BYTES + WARPS * experts * Short.BYTES;
  }
}
