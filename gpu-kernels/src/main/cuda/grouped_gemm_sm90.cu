// grouped_gemm_sm90.cu: the three GEMMs of the experts of one rank on Hopper: the twin of grouped_gemm.cu for
// bf16 with out and in multiples of 8, 16-byte aligned addresses, and for the input gradient out a multiple
// of 64 (a step in depth must not reach into the next expert's weights).
//
// Tensor maps, all row-major matrices, boxes [rows, columns] of 128-byte rows with 128-byte swizzle:
//   left_map           kForward x [capacity, in], kInputGradient dY [capacity, out]: boxes [128, 64];
//                      kWeightGradient dY [capacity, out]: boxes [64, 64]
//   right_home_map     kForward weights [local_experts * out, in]: boxes [kTileN, 64]
//                      kInputGradient the same: boxes [64, 64]
//                      kWeightGradient x [capacity, in]: boxes [64, 64]
//   right_slots_map    as right_home_map over the slots' weights; without slots, right_home_map again
//   result_home_map    kForward y [capacity, out], kInputGradient dX [capacity, in]: bf16, boxes [64, 64]
//                      kWeightGradient home gradients [local_experts * out, in]: float, boxes [64, 32]
//   result_slots_map   kWeightGradient: the same for the slots; otherwise (or without slots) not used
//   result_home, result_slots: the same memory, for tiles that must be masked
//   row_counts         [physical_experts] i32, read, up to end_expert; added_experts, first_expert and
//                      end_expert as in grouped_gemm.cu
//
// One producer thread feeds kStages stages of shared memory by bulk copies; two warpgroups multiply, each the
// upper or lower 64 rows of a tile of 128 x kTileN, in steps of 64 in depth. Results leave through shared
// memory by bulk stores (bulk additions to gradients), which run on while the next tile begins; tiles that
// reach past their expert's rows are masked.
//
// In wide tiles the second warpgroup follows the first by kLead steps, so that one multiplies while the other
// stores. Each looks for its next tile while its last products run. The weight gradient's tiles differ in
// depth and end in many bytes, hence: every other round of tiles is dealt to the blocks in reverse; gradients
// leave L2 before the operands, which other blocks read too.
//
// Launch: 1-D grid, one block per multiprocessor, 384 threads, kSharedBytes<kPass, kTileN> of shared
// memory.
// Bound: tensor cores; the weight gradient of few rows by memory: 4 bytes per element written, 12 per element
// added to (a bulk addition reads twice what is not in L2).
// Deterministic: one block computes a result element, in ascending order of the sum; a bulk addition adds
// once.
#include "mma_sm90.cuh"
#include "mma_tiles.cuh"

constexpr int kTileM = 128;
constexpr int kTileK = 64;
constexpr int kThreads = 384;
constexpr int kGroupThreads = 128;
constexpr int kConsumerWarps = 8;
constexpr int kBlockBytes = 64 * 128;  // 64 swizzled rows of 128 bytes
constexpr int kLeftBytes = kTileM * kTileK * 2;

// Per warpgroup. Results of 16 bits pay with a stage for buffers that let them leave four blocks at a time.
template <int kPass, int kTileN>
constexpr int kOutBuffers = kTileN == 256 && kPass != kWeightGradient ? 4 : 2;

template <int kTileN>
constexpr int kRightBytes = kTileN * kTileK * 2;

template <int kPass, int kTileN>
constexpr int kStages = kTileN == 256 ? (kPass == kWeightGradient ? 4 : 3) : 6;

// Stages, then out buffers, then barriers.
template <int kPass, int kTileN>
constexpr int kOutOffset = kStages<kPass, kTileN> * (kLeftBytes + kRightBytes<kTileN>);

template <int kPass, int kTileN>
constexpr int kBarrierOffset = kOutOffset<kPass, kTileN> + 2 * kOutBuffers<kPass, kTileN> * kBlockBytes;

template <int kPass, int kTileN>
constexpr int kSharedBytes = kBarrierOffset<kPass, kTileN> + (kStages<kPass, kTileN> * 2 + 1) * 8;

// Steps by which the first warpgroup leads the second; fewer than the stages, which both must free.
template <int kPass, int kTileN>
constexpr int kLead = kTileN == 256 ? kStages<kPass, kTileN> - 1 : 0;

template <int kPass>
struct ResultType {
    using Type = bf16;
};

template <>
struct ResultType<kWeightGradient> {
    using Type = float;
};

__device__ __forceinline__ int swizzled(const int row, const int chunk) {
    return row * 128 + ((chunk ^ (row & 7)) << 4);
}

// Position in the ring of stages.
template <int kPass, int kTileN>
struct StageCursor {
    int stage = 0;
    uint32 parity = 0;

    __device__ __forceinline__ void advance() {
        if (++stage == kStages<kPass, kTileN>) {
            stage = 0;
            parity ^= 1;
        }
    }
};

// The block's tile of a round. Rounds of the weight gradient are dealt from either end in turn: where the
// rows per expert fall or rise, the first blocks would otherwise get the deeper tiles, or the shallower, in
// every round.
template <int kPass>
__device__ __forceinline__ int tile_of(const int round) {
    const bool reversed = kPass == kWeightGradient && round % 2 != 0;
    return round * (int)gridDim.x + (int)(reversed ? gridDim.x - 1 - blockIdx.x : blockIdx.x);
}

template <int kPass>
__device__ __forceinline__ void fetch_tile(const uint32 to, const TensorMap& map, const int x, const int y,
                                           const uint32 barrier) {
    if constexpr (kPass == kWeightGradient) {
        copy_tile_in(to, map, x, y, barrier, kLeaveLast);
    } else {
        copy_tile_in(to, map, x, y, barrier);
    }
}

template <int kPass, int kTileN>
__device__ __forceinline__ void produce(const TensorMap& left_map, const TensorMap& right_home_map,
                                        const TensorMap& right_slots_map, const TensorMap& result_home_map,
                                        const int* const row_counts, const GroupedShape& shape,
                                        const uint32 shared) {
    const uint32 full = shared + kBarrierOffset<kPass, kTileN>;
    const uint32 empty = full + kStages<kPass, kTileN> * 8;
    TileWalker<kPass, kTileM, kTileN> walker(row_counts, shape);
    StageCursor<kPass, kTileN> cursor;
    for (int round = 0; walker.seek(tile_of<kPass>(round)); ++round) {
        const TensorMap& right_map =
            kPass == kWeightGradient || walker.is_home() ? right_home_map : right_slots_map;
        const int steps = (walker.depth() + kTileK - 1) / kTileK;
        const int row = walker.tile_row * kTileM;
        const int column = walker.tile_column * kTileN;
        const int weight_row = walker.local_index() * shape.out;
        for (int step = 0; step < steps; ++step) {
            const int depth = step * kTileK;
            const uint32 left = shared + cursor.stage * (kLeftBytes + kRightBytes<kTileN>);
            const uint32 right = left + kLeftBytes;
            const uint32 barrier = full + cursor.stage * 8;
            barrier_wait(empty + cursor.stage * 8, cursor.parity ^ 1);
            barrier_expect(barrier, kLeftBytes + kRightBytes<kTileN>);
            if constexpr (kPass == kWeightGradient) {
#pragma unroll
                for (int block = 0; block < kTileM / 64; ++block) {
                    fetch_tile<kPass>(left + block * kBlockBytes, left_map, row + block * 64,
                                      walker.first_row + depth, barrier);
                }
            } else {
                fetch_tile<kPass>(left, left_map, depth, walker.first_row + row, barrier);
            }
            if constexpr (kPass == kForward) {
                fetch_tile<kPass>(right, right_map, depth, weight_row + column, barrier);
            } else {
                const int right_row = (kPass == kWeightGradient ? walker.first_row : weight_row) + depth;
#pragma unroll
                for (int block = 0; block < kTileN / 64; ++block) {
                    fetch_tile<kPass>(right + block * kBlockBytes, right_map, column + block * 64, right_row,
                                      barrier);
                }
            }
            if constexpr (kPass == kWeightGradient) {
                // In the last steps the tile's old gradients come to L2, a box a step: a bulk addition to
                // what lies there is three times as fast. In the first steps they would be evicted again.
                constexpr int kBoxes = kTileM / 64 * (kTileN / 32);
                const int box = step - max(steps - kBoxes, 0);
                if (walker.adds() && box >= 0) {
                    prefetch_tile(result_home_map, column + box % (kTileN / 32) * 32,
                                  weight_row + row + box / (kTileN / 32) * 64);
                }
            }
            cursor.advance();
        }
    }
}

// Replaces the depths from `depths` on by zeros, in this warpgroup's half of the left operand and in its half
// of the right one. They are rows of another expert or of none, perhaps not finite, so both sides must go.
template <int kTileN>
__device__ __forceinline__ void clear_tail(const uint32 left, const uint32 right, const int group,
                                           const int depths) {
    constexpr int kBlocks = 1 + kTileN / 128;
    const int thread = threadIdx.x % kGroupThreads;
    const uint32 zeros[4] = {0, 0, 0, 0};
    for (int index = thread; index < (kTileK - depths) * 8; index += kGroupThreads) {
        const int offset = depths * 128 + index * 16;
        store_shared_16(left + group * kBlockBytes + offset, zeros);
#pragma unroll
        for (int block = 0; block < kBlocks - 1; ++block) {
            store_shared_16(right + (group * (kBlocks - 1) + block) * kBlockBytes + offset, zeros);
        }
    }
    fence_shared_for_async();
    named_barrier(3, 2 * kGroupThreads);
}

// Clears a tail that ends at the next multiple of 16, in all of the right operand. The other warpgroup
// may be elsewhere, and writes the same zeros when it comes here.
template <int kTileN>
__device__ __forceinline__ void clear_tail_alone(const uint32 left, const uint32 right, const int group,
                                                 const int depths) {
    const int thread = threadIdx.x % kGroupThreads;
    const uint32 zeros[4] = {0, 0, 0, 0};
    const int depth = depths / 16 * 16 + thread / 8;
    if (depth >= depths) {
        const int offset = depth * 128 + thread % 8 * 16;
        store_shared_16(left + group * kBlockBytes + offset, zeros);
#pragma unroll
        for (int block = 0; block < kTileN / 64; ++block) {
            store_shared_16(right + block * kBlockBytes + offset, zeros);
        }
    }
    fence_shared_for_async();
    named_barrier(1 + group, kGroupThreads);
}

// Writes 64 x 64 bf16 results of the warpgroup, columns from chunk * 64 of its sums, to a swizzled block.
template <int kSums>
__device__ __forceinline__ void stage_results(const uint32 buffer, const float (&sums)[kSums],
                                              const int chunk, bf16) {
    const int lane = threadIdx.x % 32;
    const int row = threadIdx.x % kGroupThreads / 32 * 16 + lane / 8 % 2 * 8 + lane % 8;
#pragma unroll
    for (int pair = 0; pair < 4; ++pair) {
        const float* const from = sums + chunk * 32 + pair * 8;
        const uint32 address = buffer + swizzled(row, pair * 2 + lane / 16);
        asm volatile("stmatrix.sync.aligned.m8n8.x4.shared.b16 [%0], {%1, %2, %3, %4};" ::"r"(address),
                     "r"(to_bf16x2(from[0], from[1])), "r"(to_bf16x2(from[2], from[3])),
                     "r"(to_bf16x2(from[4], from[5])), "r"(to_bf16x2(from[6], from[7]))
                     : "memory");
    }
}

// Stages 64 x 32 float results, columns from chunk * 32. Odd rows take the groups of columns in another
// order, since the swizzle would send two rows at a time to the same banks.
template <int kSums>
__device__ __forceinline__ void stage_results(const uint32 buffer, const float (&sums)[kSums],
                                              const int chunk, float) {
    const int lane = threadIdx.x % 32;
    const int row = threadIdx.x % kGroupThreads / 32 * 16 + lane / 4;
#pragma unroll
    for (int group = 0; group < 4; ++group) {
        const bool odd = lane / 4 % 2 != 0;
        float from[4];
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            from[i] = odd ? sums[chunk * 16 + (group ^ 2) * 4 + i] : sums[chunk * 16 + group * 4 + i];
        }
        const int column_chunk = (odd ? group ^ 2 : group) * 2 + lane % 4 / 2;
        const int inside = lane % 2 * 8;
        asm volatile("st.shared.v2.f32 [%0], {%1, %2};" ::"r"(buffer + swizzled(row, column_chunk) + inside),
                     "f"(from[0]), "f"(from[1])
                     : "memory");
        asm volatile(
            "st.shared.v2.f32 [%0], {%1, %2};" ::"r"(buffer + swizzled(row + 8, column_chunk) + inside),
            "f"(from[2]), "f"(from[3])
            : "memory");
    }
}

__device__ __forceinline__ uint4 load_shared_16(const uint32 from) {
    uint4 value;
    asm volatile("ld.shared.v4.u32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(value.x), "=r"(value.y), "=r"(value.z), "=r"(value.w)
                 : "r"(from)
                 : "memory");
    return value;
}

// Stores the first `rows` rows of a staged block, as many columns as the matrix has.
template <typename Result>
__device__ __forceinline__ void store_masked(Result* const result, const int rows, const int column,
                                             const int columns, const uint32 buffer, const bool add) {
    constexpr int kPerChunk = 16 / sizeof(Result);
    const int thread = threadIdx.x % kGroupThreads;
    const int chunk = thread % 8;
    if (column + chunk * kPerChunk >= columns) return;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        const int row = i * 16 + thread / 8;
        if (row >= rows) return;
        const uint4 words = load_shared_16(buffer + swizzled(row, chunk));
        uint4* const to =
            reinterpret_cast<uint4*>(result + (int64)row * columns + column + chunk * kPerChunk);
        if constexpr (sizeof(Result) == 4) {
            const uint4 old = add ? *to : make_uint4(0, 0, 0, 0);
            *to = make_uint4(__float_as_uint(__uint_as_float(old.x) + __uint_as_float(words.x)),
                             __float_as_uint(__uint_as_float(old.y) + __uint_as_float(words.y)),
                             __float_as_uint(__uint_as_float(old.z) + __uint_as_float(words.z)),
                             __float_as_uint(__uint_as_float(old.w) + __uint_as_float(words.w)));
        } else {
            *to = words;
        }
    }
}

template <int kPass, int kTileN>
__device__ __forceinline__ void consume(const TensorMap& result_home_map, const TensorMap& result_slots_map,
                                        typename ResultType<kPass>::Type* const result_home,
                                        typename ResultType<kPass>::Type* const result_slots,
                                        const int* const row_counts, const GroupedShape& shape,
                                        const uint32 shared) {
    using Result = typename ResultType<kPass>::Type;
    constexpr bool kLeftDepthOuter = kPass == kWeightGradient;
    constexpr bool kRightDepthOuter = kPass != kForward;
    constexpr bool kLeads = kLead<kPass, kTileN> > 0;
    constexpr bool kTailAlone = kPass == kWeightGradient && kLeads;
    static_assert(kLead<kPass, kTileN> < kStages<kPass, kTileN>,
                  "the first warpgroup must not wait for the second");
    constexpr int kSums = kTileN / 2;
    constexpr int kChunkColumns = 128 / sizeof(Result);
    constexpr int kChunks = kTileN / kChunkColumns;
    const uint32 full = shared + kBarrierOffset<kPass, kTileN>;
    const uint32 empty = full + kStages<kPass, kTileN> * 8;
    const int group = __shfl_sync(0xffffffffu, (int)threadIdx.x / kGroupThreads - 1, 0);
    const bool leader = threadIdx.x % kGroupThreads == 0;
    const bool arrives = threadIdx.x % 32 == 0;
    const uint32 out_buffers =
        shared + kOutOffset<kPass, kTileN> + group * (kOutBuffers<kPass, kTileN> * kBlockBytes);
    const uint32 lead = empty + kStages<kPass, kTileN> * 8;
    uint32 lead_parity = 0;

    float sums[kSums];
    TileWalker<kPass, kTileM, kTileN> walker(row_counts, shape);
    StageCursor<kPass, kTileN> cursor;
    int round = 0;
    bool more = walker.seek(tile_of<kPass>(0));
    while (more) {
        const int depth = walker.depth();
        const int steps = (depth + kTileK - 1) / kTileK;
        const int row = walker.tile_row * kTileM + group * 64;
        const int rows = walker.result_rows() - row;  // of this warpgroup, if less than 64
        if (kPass != kWeightGradient &&
            rows <= 0) {  // the whole warpgroup has no rows: only pass the stages on
            for (int step = 0; step < steps; ++step) {
                barrier_wait(full + cursor.stage * 8, cursor.parity);
                if (arrives) barrier_arrive(empty + cursor.stage * 8);
                cursor.advance();
            }
            more = walker.seek(tile_of<kPass>(++round));
            continue;
        }
        if (steps == 0) {
#pragma unroll
            for (int i = 0; i < kSums; ++i) sums[i] = 0.0f;
        }
        // Shorter tiles go without: the first warpgroup could then be two phases of the barrier ahead.
        // A second warpgroup without rows only passes stages on.
        const bool leads = kLeads && steps >= kStages<kPass, kTileN> &&
                           (kPass == kWeightGradient || walker.result_rows() - walker.tile_row * kTileM > 64);
        if (leads && group == 1) {
            barrier_wait(lead, lead_parity);
            lead_parity ^= 1;
        }
        const int tail = kTailAlone ? depth % kTileK : 0;
        const int whole_steps = tail > 0 ? steps - 1 : steps;
        int last_stage = 0;
        for (int step = 0; step < whole_steps; ++step) {
            const uint32 left = shared + cursor.stage * (kLeftBytes + kRightBytes<kTileN>);
            const uint32 right = left + kLeftBytes;
            barrier_wait(full + cursor.stage * 8, cursor.parity);
            if constexpr (kPass == kWeightGradient && !kLeads) {
                if (depth - step * kTileK < kTileK) {
                    clear_tail<kTileN>(left, right, group, depth - step * kTileK);
                }
            }
            products_fence();
#pragma unroll
            for (int k = 0; k < kTileK / 16; ++k) {
                const uint64 left_operand = operand(
                    left + group * kBlockBytes + (kLeftDepthOuter ? k * 2048 : k * 32), 1024, kBlockBytes);
                const uint64 right_operand =
                    operand(right + (kRightDepthOuter ? k * 2048 : k * 32), 1024, kBlockBytes);
                multiply<kLeftDepthOuter, kRightDepthOuter>(sums, left_operand, right_operand,
                                                            step > 0 || k > 0);
            }
            products_commit();
            if (leads && group == 0 && step == kLead<kPass, kTileN> - 1 && arrives) barrier_arrive(lead);
            // The previous step's products are done once only this step's are under way: free its stage.
            products_wait<1>();
            if (step > 0 && arrives) barrier_arrive(empty + last_stage * 8);
            last_stage = cursor.stage;
            cursor.advance();
        }
        const int column = walker.tile_column * kTileN;
        const int columns = walker.result_columns();
        const bool whole = rows >= 64;
        // First row of this warpgroup's results in the result matrix.
        const int64 result_row = kPass == kWeightGradient ? (int64)walker.local_index() * shape.out + row
                                                          : (int64)walker.first_row + row;
        const bool in_slots = kPass == kWeightGradient && !walker.is_home();
        const TensorMap& result_map = in_slots ? result_slots_map : result_home_map;
        Result* const result = (in_slots ? result_slots : result_home) + result_row * columns;
        const bool adds = walker.adds();
        // The next tile is looked for while the last products run.
        more = walker.seek(tile_of<kPass>(++round));
        products_wait<0>();
        pin(sums);
        if (whole_steps > 0 && arrives) barrier_arrive(empty + last_stage * 8);
        if constexpr (kTailAlone) {
            if (tail > 0) {
                const uint32 left = shared + cursor.stage * (kLeftBytes + kRightBytes<kTileN>);
                const uint32 right = left + kLeftBytes;
                barrier_wait(full + cursor.stage * 8, cursor.parity);
                if (tail % 16 != 0) clear_tail_alone<kTileN>(left, right, group, tail);
#pragma unroll 1
                for (int k = 0; k * 16 < tail;
                     ++k) {  // one at a time, or ptxas would serialize the steps above
                    products_fence();
                    multiply<kLeftDepthOuter, kRightDepthOuter>(
                        sums, operand(left + group * kBlockBytes + k * 2048, 1024, kBlockBytes),
                        operand(right + k * 2048, 1024, kBlockBytes), whole_steps > 0 || k > 0);
                    products_commit();
                    products_wait<0>();
                    pin(sums);
                }
                if (arrives) barrier_arrive(empty + cursor.stage * 8);
                cursor.advance();
            }
        }

        if (rows <= 0) continue;
#pragma unroll
        for (int chunk = 0; chunk < kChunks; ++chunk) {
            const uint32 buffer = out_buffers + chunk % kOutBuffers<kPass, kTileN> * kBlockBytes;
            const int chunk_column = column + chunk * kChunkColumns;
            if (leader) wait_tiles_read<kOutBuffers<kPass, kTileN> - 1>();
            named_barrier(1 + group, kGroupThreads);
            stage_results(buffer, sums, chunk, Result{});
            fence_shared_for_async();
            named_barrier(1 + group, kGroupThreads);
            if (!whole) {
                store_masked(result, rows, chunk_column, columns, buffer, adds);
            } else if (leader && chunk_column < columns) {
                if (adds) {
                    add_tile_out(result_map, chunk_column, (int)result_row, buffer, kLeaveFirst);
                } else if (kPass == kWeightGradient) {
                    copy_tile_out(result_map, chunk_column, (int)result_row, buffer, kLeaveFirst);
                } else {
                    copy_tile_out(result_map, chunk_column, (int)result_row, buffer);
                }
            }
            if (leader) commit_tiles_out();  // also when empty, so that waiting counts buffers
        }
    }
    if (leader) wait_tiles_out();
}

template <int kPass, int kTileN>
__global__ void __launch_bounds__(kThreads, 1)
    grouped_gemm_sm90(const __grid_constant__ TensorMap left_map,
                      const __grid_constant__ TensorMap right_home_map,
                      const __grid_constant__ TensorMap right_slots_map,
                      const __grid_constant__ TensorMap result_home_map,
                      const __grid_constant__ TensorMap result_slots_map,
                      typename ResultType<kPass>::Type* __restrict__ const result_home,
                      typename ResultType<kPass>::Type* __restrict__ const result_slots,
                      const int* __restrict__ const row_counts, const int local_experts,
                      const int added_experts, const int first_expert, const int end_expert,
                      const int capacity, const int out, const int in) {
    extern __shared__ __align__(1024) unsigned char shared_bytes[];
    const uint32 shared = shared_address(shared_bytes);
    const GroupedShape shape{local_experts, added_experts, first_expert, end_expert, capacity, out, in};
    if (threadIdx.x == 0) {
        const uint32 full = shared + kBarrierOffset<kPass, kTileN>;
        const uint32 empty = full + kStages<kPass, kTileN> * 8;
#pragma unroll
        for (int stage = 0; stage < kStages<kPass, kTileN>; ++stage) {
            barrier_init(full + stage * 8, 1);
            barrier_init(empty + stage * 8, kConsumerWarps);
        }
        barrier_init(empty + kStages<kPass, kTileN> * 8, kConsumerWarps / 2);
        fence_barrier_init();
        prefetch_map(left_map);
        prefetch_map(right_home_map);
        prefetch_map(result_home_map);
    }
    __syncthreads();
    if (threadIdx.x < kGroupThreads) {
        shrink_registers<40>();
        if (threadIdx.x == 0) {
            produce<kPass, kTileN>(left_map, right_home_map, right_slots_map, result_home_map, row_counts,
                                   shape, shared);
        }
    } else {
        grow_registers<232>();
        consume<kPass, kTileN>(result_home_map, result_slots_map, result_home, result_slots, row_counts,
                               shape, shared);
    }
}
