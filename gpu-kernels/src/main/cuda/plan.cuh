// plan.cuh: what the planner kernels share: integer reductions over a warp, exact proportions, the loads of
// experts and ranks, and which experts have clones. Integers only, ties to the lowest index: every rank of a
// group plans alike, and as io.antiphon.plan does on the CPU.
#pragma once

#include "reduce.cuh"

constexpr int kUnusedSlot = -1;
constexpr int kLargestInt = 0x7fffffff;
constexpr int kMostRanks = 128;
constexpr int kMostExperts = 1024;
constexpr int kMostRanksPerLane = kMostRanks / kWarpSize;

__device__ __forceinline__ int lane_index() { return threadIdx.x % kWarpSize; }

__device__ __forceinline__ int smaller(const int first, const int second) {
    return first < second ? first : second;
}

__host__ __device__ constexpr int larger(const int first, const int second) {
    return first > second ? first : second;
}

// Lowest lane of a non-empty ballot.
__device__ __forceinline__ int first_lane(const uint32 ballot) { return __ffs((int)ballot) - 1; }

// Highest lane of a non-empty ballot.
__device__ __forceinline__ int last_lane(const uint32 ballot) { return kWarpSize - 1 - __clz((int)ballot); }

// Bits that a positive number has.
__device__ __forceinline__ int bits_of(const int value) { return kWarpSize - __clz(value); }

// Sum of the values of lower lanes.
__device__ __forceinline__ int exclusive_warp_sum(const int value) {
    int sum = value;
#pragma unroll
    for (int offset = 1; offset < kWarpSize; offset *= 2) {
        const int below = __shfl_up_sync(kFullWarp, sum, offset);
        if (lane_index() >= offset) sum += below;
    }
    return sum - value;
}

// floor(dividend / divisor) for 0 <= dividend < 2^63 with at most 53 significant bits, 0 < divisor < 2^53 and
// quotients below 2^32: half the time of a division of 64-bit integers. The quotient of doubles is right, or
// rounded up to the next integer.
__device__ __forceinline__ uint32 divide(const int64 dividend, const int64 divisor) {
    const uint32 quotient = (uint32)((double)dividend / (double)divisor);
    return quotient - ((int64)quotient * divisor > dividend ? 1u : 0u);
}

// floor(wanted * 2^32 / sum), for 0 <= wanted <= sum < 2^31: the proportion that all sources of a slot share.
// A little less than 1 for all of it.
__device__ __forceinline__ uint32 proportion(const int wanted, const int sum) {
    return wanted < sum ? divide((int64)wanted << 32, sum) : ~0u;
}

// floor(value * wanted / sum) for 0 <= value < 2^31, given proportion(wanted, sum). The truncated proportion
// loses at most value / 2^32 < 1/2, so the first quotient is right or one too low.
__device__ __forceinline__ int share_of(const int value, const int wanted, const int sum,
                                        const uint32 share) {
    const uint32 quotient = __umulhi((uint32)value, share);
    const uint64 rest = (uint64)(uint32)value * (uint32)wanted - (uint64)quotient * (uint32)sum;
    return (int)quotient + (rest >= (uint32)sum ? 1 : 0);
}

// Counts of a few source ranks for one expert, or four experts beside each other.
struct CountRows {
    static constexpr int kRows = 8;
    static constexpr int kVector = 4;

    int4 rows[kRows];

    // Reads rows row, row + stride, ...; waits for none of them. `columns` are experts, or fours of experts.
    __device__ __forceinline__ void read(const int* __restrict__ counts, const int row, const int stride,
                                         const int ranks, const int column, const int columns,
                                         const bool vectors) {
#pragma unroll
        for (int i = 0; i < kRows; ++i) {
            const int source = row + i * stride;
            const int at = source * columns + column;
            rows[i] = make_int4(0, 0, 0, 0);
            if (source < ranks && vectors) rows[i] = ((const int4*)counts)[at];
            if (source < ranks && !vectors) rows[i].x = counts[at];
        }
    }

    __device__ __forceinline__ void add_to(int4* sum) const {
#pragma unroll
        for (int i = 0; i < kRows; ++i) {
            sum->x += rows[i].x;
            sum->y += rows[i].y;
            sum->z += rows[i].z;
            sum->w += rows[i].w;
        }
    }
};

constexpr int kSumWords = 2048;  // of shared memory that sum_loads needs, for at most 512 threads

// Sums counts [ranks, experts] over the source ranks into expert_load, those of a rank's experts into
// rank_load, and writes the largest of them to rank_most. `partial` are kSumWords words, aligned for vectors.
// All threads of the block must call it; meanwhile() runs while the first counts are on their way. Ends with
// a barrier.
template <typename Meanwhile>
__device__ __forceinline__ void sum_loads(const int* __restrict__ counts, const int ranks, const int experts,
                                          int* partial, int* expert_load, int* rank_load, int* rank_most,
                                          const Meanwhile& meanwhile) {
    const bool vectors =
        experts % CountRows::kVector == 0 && (uint64)counts % (CountRows::kVector * sizeof(int)) == 0;
    const int columns = vectors ? experts / CountRows::kVector : experts;
    const int threads = blockDim.x;
    // Threads take columns, and rows beside each other where there are more threads than columns.
    const bool few = columns < threads;
    const int groups = few ? smaller(threads / columns, ranks) : 1;
    const int group = few ? (int)threadIdx.x / columns : 0;
    const int first = (int)threadIdx.x - group * columns;
    const int end = group < groups ? columns : 0;  // threads that are left over have no column
    CountRows rows;
    if (first < end) rows.read(counts, group, groups, ranks, first, columns, vectors);
#pragma unroll 1
    for (int rank = threadIdx.x; rank < ranks; rank += threads) {
        rank_load[rank] = 0;
        rank_most[rank] = 0;
    }
    meanwhile();
#pragma unroll 1
    for (int column = first; column < end; column += threads) {
        int4 sum = make_int4(0, 0, 0, 0);
#pragma unroll 1
        for (int row = group; row < ranks; row += CountRows::kRows * groups) {
            const bool is_read = row == group && column == first;
            if (!is_read) rows.read(counts, row, groups, ranks, column, columns, vectors);
            rows.add_to(&sum);
        }
        if (vectors) {
            ((int4*)partial)[group * columns + column] = sum;
        } else {
            partial[group * columns + column] = sum.x;
        }
    }
    __syncthreads();
    const int local_experts = experts / ranks;
#pragma unroll 1
    for (int expert = threadIdx.x; expert < experts; expert += threads) {
        int load = 0;
#pragma unroll 4
        for (int i = 0; i < groups; ++i) load += partial[i * experts + expert];
        expert_load[expert] = load;
        const int rank = expert / local_experts;
        atomicAdd(&rank_load[rank], load);
        atomicMax(&rank_most[rank], load);
    }
    __syncthreads();
}

// Sum of values [length] in every lane; all lanes of the warp must call it.
__device__ __forceinline__ int sum_in_warp(const int* values, const int length) {
    int sum = 0;
#pragma unroll 1
    for (int i = lane_index(); i < length; i += kWarpSize) sum += values[i];
    return __reduce_add_sync(kFullWarp, sum);
}

__device__ __forceinline__ void fill(int* values, const int64 length, const int value) {
#pragma unroll 1
    for (int64 i = threadIdx.x; i < length; i += blockDim.x) values[i] = value;
}

// Lists the experts that have slots, each once, in any order: they are split independently. `clones_of` must
// be zero and `listed` too; ends with a barrier.
__device__ __forceinline__ void list_cloned(const int* slot_home, const int slots, int* clones_of,
                                            int* cloned, int* listed) {
#pragma unroll 1
    for (int slot = threadIdx.x; slot < slots; slot += blockDim.x) {
        const int home = slot_home[slot];
        if (home != kUnusedSlot && atomicAdd(&clones_of[home], 1) == 0) {
            cloned[atomicAdd(listed, 1)] = home;
        }
    }
    __syncthreads();
}
