package io.antiphon.kernel;

import io.antiphon.comm.PeerLaunch;
import io.antiphon.kernel.GroupedGemm.Pass;
import io.antiphon.model.StepRecord;
import io.antiphon.tensor.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What launchers know about the files they launch from: dynamic shared memory, threads, tiles, and
 * how structures that both sides use are laid out. Each number stands beside the constant
 * expression of C++ that must have the same value; the compiler compares them.
 */
final class LaunchNumbers {
  private static final int[][] GROUPS = { // ranks, experts, slots per rank
    {1, 1, 0},
    {1, 8, 1},
    {2, 8, 1},
    {3, 9, 2},
    {4, 64, 2},
    {7, 7, 3},
    {8, 256, 2},
    {16, 128, 4},
    {31, 62, 1},
    {32, 256, 8},
    {33, 66, 5},
    {64, 512, 4},
    {96, 960, 3},
    {128, 1024, 8}
  };

  private final Map<String, List<String>> assertions = new TreeMap<>();

  private LaunchNumbers() {
    groups();
    attention();
    groupedGemm();
    ladder();
    rest();
  }

  /** Lines of C++ to compile after each file. */
  static Map<String, List<String>> assertions() {
    return new LaunchNumbers().assertions;
  }

  private void equal(String file, String expression, long value) {
    assertions
        .computeIfAbsent(file, key -> new ArrayList<>())
        .add(
            "static_assert(%s == %d, \"%s is not %d\");"
                .formatted(expression, value, expression, value));
  }

  private void groups() {
    for (int[] group : GROUPS) {
      int ranks = group[0];
      int experts = group[1];
      int slots = ranks * group[2];
      String arguments = "(%d, %d, %d)".formatted(ranks, experts, slots);
      equal(
          "plan_balanced.cu",
          "plan_balanced_shared_bytes" + arguments,
          PlanKernels.balancedSharedBytes(ranks, experts, slots));
      equal(
          "plan_prototype.cu",
          "plan_prototype_shared_bytes" + arguments,
          PlanKernels.prototypeSharedBytes(ranks, experts, slots));
      equal(
          "layout_rows.cu",
          "layout_place_shared_bytes" + arguments,
          LayoutRows.sharedBytes(ranks, experts, slots));
      equal(
          "count_assignments.cu",
          "count_assignments_shared_bytes(%d)".formatted(experts),
          CountAssignments.sharedBytes(experts));
      equal(
          "router_losses.cu",
          "sum_chunks_shared_bytes(%d)".formatted(experts),
          RouterLossKernels.sharedBytes(experts));
    }
    for (String file : List.of("plan_balanced.cu", "plan_prototype.cu", "layout_rows.cu")) {
      equal(file, "kMostRanks", PlanKernels.MOST_RANKS);
      equal(file, "kMostExperts", PlanKernels.MOST_EXPERTS);
    }
    equal("plan_balanced.cu", "kBalancedThreads", PlanKernels.THREADS);
    equal("plan_prototype.cu", "kPrototypeThreads", PlanKernels.THREADS);
    equal("layout_rows.cu", "kLayoutThreads", LayoutRows.THREADS);
    equal("layout_rows.cu", "kChunk", LayoutRows.CHUNK);
    equal(
        "record_loads.cu",
        "record_loads_shared_bytes(%d)".formatted(PlanKernels.MOST_RANKS),
        RecordLoads.SHARED_BYTES);
    equal("router_losses.cu", "kLossThreads", RouterLossKernels.THREADS);
    equal("router_losses.cu", "kSumThreads", RouterLossKernels.SUM_THREADS);
    equal("router_losses.cu", "kChunk", RouterLossKernels.CHUNK);
    equal(
        "peer_experts.cu",
        "peer_reduce_slots_shared_bytes(%d)".formatted(PeerLaunch.mostSlots()),
        PeerLaunch.reduceSlotsSharedBytes());
    for (String file : List.of("peer_experts.cu", "peer_meeting.cu")) {
      equal(file, "kMaxRanks", PeerLaunch.mostRanks());
      equal(file, "kStagingBytes", PeerLaunch.stagingBytes());
    }
    new TreeMap<>(PeerLaunch.structures())
        .forEach((what, value) -> equal("peer_meeting.cu", what, value));
  }

  private void attention() {
    equal("attention.cu", "kSharedBytes", AttentionAny.FORWARD_SHARED_BYTES);
    equal("attention_backward.cu", "kSharedBytes", AttentionAny.BACKWARD_SHARED_BYTES);
    for (String file : List.of("attention.cu", "attention_backward.cu")) {
      equal(file, "kAnyThreads", AttentionAny.THREADS);
      equal(file, "kBlockRows", AttentionAny.BLOCK_ROWS);
      equal(file, "kMaxHeadDim", AttentionAny.MAX_HEAD_DIM);
    }
    String forward = "attention_bf16.cu";
    String backward = "attention_backward_bf16.cu";
    equal(forward, "kAttentionThreads", AttentionBf16.THREADS);
    equal(backward, "kAttentionThreads", AttentionBf16.THREADS);
    equal(backward, "kStatisticsRows", AttentionBf16.STATISTICS_ROWS);
    for (int headDim : AttentionBf16.HEAD_DIMS) {
      AttentionBf16.Tiles tiles = AttentionBf16.Tiles.of(headDim);
      String ofForward = "ForwardTiles<" + headDim + ">::";
      equal(forward, ofForward + "kSharedBytes", tiles.forwardSharedBytes());
      equal(forward, ofForward + "kQueries", tiles.forwardQueries());
      String ofQueries = "QueryGradientTiles<" + headDim + ">::";
      equal(backward, ofQueries + "kSharedBytes", tiles.queryGradientSharedBytes());
      equal(backward, ofQueries + "kQueries", tiles.queryGradientQueries());
      String ofKeys = "KeyGradientTiles<" + headDim + ">::";
      equal(backward, ofKeys + "kSharedBytes", tiles.keyGradientSharedBytes());
      equal(backward, ofKeys + "kKeys", tiles.keyGradientKeys());
    }
  }

  private void groupedGemm() {
    equal("grouped_gemm.cu", "kMmaSharedBytes", GroupedGemm.MMA_SHARED_BYTES);
    equal("grouped_gemm.cu", "kThreads", GroupedGemm.MMA_THREADS);
    String hopper = "grouped_gemm_sm90.cu";
    equal(hopper, "kThreads", GroupedGemmHopper.THREADS);
    equal(hopper, "kTileM", GroupedGemmTile.ROWS);
    equal(hopper, "kTileK", GroupedGemmHopper.DEPTH);
    for (int columns : List.of(GroupedGemmTile.NARROW, GroupedGemmTile.WIDE)) {
      for (Pass pass : Pass.values()) {
        equal(
            hopper,
            "kSharedBytes<%d, %d>".formatted(pass.number(), columns),
            GroupedGemmHopper.sharedBytes(pass, columns));
      }
    }
  }

  private void ladder() {
    String alone = GroupedGemmLadder.TENSOR_CORES.file();
    String ring = GroupedGemmLadder.PERSISTENT.file();
    equal(alone, "kSharedBytes", GroupedGemmLadder.STAGE_BYTES + Long.BYTES);
    equal(
        ring,
        "kSharedBytes",
        GroupedGemmLadder.STAGES * (GroupedGemmLadder.STAGE_BYTES + 2L * Long.BYTES));
    equal(ring, "kBlockThreads", 160);
    equal(GroupedGemmLadder.TILES.file(), "kTile", 64);
    equal(GroupedGemmLadder.TILES.file(), "kTileThreads", 256);
  }

  private void rest() {
    for (int hidden : List.of(1, 8, 255, 256, 1023, 1024, 1025, 2048, 4096, 5120, 7168)) {
      equal(
          "rms_norm.cu",
          "rms_norm_backward_shared_bytes<bf16>(" + hidden + ")",
          RmsNormKernels.backwardSharedBytes(DType.BF16, hidden));
      equal(
          "rms_norm.cu",
          "rms_norm_backward_shared_bytes<float>(" + hidden + ")",
          RmsNormKernels.backwardSharedBytes(DType.F32, hidden));
    }
    equal("rms_norm.cu", "kNormThreads", RmsNormKernels.THREADS);
    equal("rms_norm.cu", "kHeldWords", RmsNormKernels.HELD_WORDS);
    equal("rms_norm.cu", "kColumnsPerBlock", RmsNormKernels.COLUMNS_PER_BLOCK);
    equal("rms_norm.cu", "kColumnsPerBlock * kPartGroups", RmsNormKernels.ADD_THREADS);
    equal("batch.cu", "kBatchThreads", BatchKernels.THREADS);
    equal("cross_entropy.cu", "kRowThreads", CrossEntropyKernels.THREADS);
    equal("cross_entropy.cu", "kRowsPerBlock", CrossEntropyKernels.SHORT_ROWS_PER_BLOCK);
    equal("cross_entropy.cu", "kSumThreads", CrossEntropyKernels.SUM_THREADS);
    equal("embedding.cu", "kEmbedThreads", EmbeddingKernels.THREADS);
    equal("embedding.cu", "kSortThreads", EmbeddingKernels.SORT_THREADS);
    equal("embedding.cu", "kTile", EmbeddingKernels.TILE);
    equal("embedding.cu", "sizeof(Run)", EmbeddingKernels.RUN_BYTES);
    equal("embedding.cu", "kAddThreads", EmbeddingKernels.ADD_THREADS);
    equal("embedding.cu", "kAddColumns", EmbeddingKernels.ADD_COLUMNS);
    equal("embedding.cu", "kAddPlaces", EmbeddingKernels.ADD_PLACES);
    equal("optimizer.cu", "kOptimizerThreads", OptimizerKernels.THREADS);
    equal("optimizer.cu", "kSumThreads", OptimizerKernels.SUM_THREADS);
    equal("rope.cu", "kRopeThreads", Rope.THREADS);
    equal("rope.cu", "kTokens", Rope.TOKENS);
    equal("rope.cu", "kPairs", Rope.PAIRS);
    equal("router.cu", "kRouteThreads", RouterKernels.THREADS);
    equal("step.cu", "kStepThreads", StepKernels.THREADS);
    List<StepRecord.Field> fields = List.of(StepRecord.Field.values());
    int counters = fields.indexOf(StepRecord.Field.STEPS);
    equal("step.cu", "kSteps", 0);
    equal("step.cu", "kUpdates", fields.indexOf(StepRecord.Field.UPDATES) - counters);
    equal("step.cu", "kSkipped", fields.indexOf(StepRecord.Field.SKIPPED) - counters);
    equal("step.cu", "kReplays", fields.indexOf(StepRecord.Field.REPLAYS) - counters);
    equal("swiglu.cu", "kGluThreads", SwigluKernels.THREADS);
  }
}
