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

__device__ __forceinline__ int larger(const int first, const int second) {
    return first > second ? first : second;
}

// Lowest lane of a non-empty ballot.
__device__ __forceinline__ int first_lane(const uint32 ballot) { return __ffs((int)ballot) - 1; }

// Highest lane of a non-empty ballot.
__device__ __forceinline__ int last_lane(const uint32 ballot) { return kWarpSize - 1 - __clz((int)ballot); }

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

// floor(wanted * 2^32 / sum), for 0 <= wanted < sum < 2^31: the proportion that all sources of a slot share.
__device__ __forceinline__ uint32 proportion(const int wanted, const int sum) {
    return (uint32)(((uint64)(uint32)wanted << 32) / (uint32)sum);
}

// floor(value * wanted / sum) for 0 <= value < 2^31, given proportion(wanted, sum). The truncated proportion
// loses less than value / 2^32 < 1/2, so the first quotient is right or one too low.
__device__ __forceinline__ int share_of(const int value, const int wanted, const int sum,
                                        const uint32 share) {
    const uint32 quotient = __umulhi((uint32)value, share);
    const uint64 rest = (uint64)(uint32)value * (uint32)wanted - (uint64)quotient * (uint32)sum;
    return (int)quotient + (rest >= (uint32)sum ? 1 : 0);
}

// Sums counts [ranks, experts] over the source ranks into expert_load, which must be zero, and those of a
// rank's experts into rank_load; rank_most gets the largest of them, if asked for. All threads of the block
// must call it; ends with a barrier.
__device__ __forceinline__ void sum_loads(const int* __restrict__ counts, const int ranks, const int experts,
                                          int* expert_load, int* rank_load, int* rank_most = nullptr) {
    constexpr int kUnroll = 8;
    constexpr int kVector = 4;
    const bool vectors = experts % kVector == 0 && (uint64)counts % (kVector * sizeof(int)) == 0;
    const int width = vectors ? kVector : 1;
    const int columns = experts / width;
    const int threads = blockDim.x;
    const int groups = columns < threads ? threads / columns : 1;  // rows that are read at once
    const int group = columns < threads ? (int)threadIdx.x / columns : 0;
    if (group < groups) {
        const int first = columns < threads ? (int)threadIdx.x % columns : (int)threadIdx.x;
#pragma unroll 1
        for (int column = first; column < columns; column += threads) {
            int4 sum = make_int4(0, 0, 0, 0);
#pragma unroll 1
            for (int row = group; row < ranks; row += kUnroll * groups) {
#pragma unroll
                for (int i = 0; i < kUnroll; ++i) {
                    const int source = row + i * groups;
                    if (source < ranks) {
                        const int* const from = counts + source * experts + column * width;
                        if (vectors) {
                            const int4 four = *(const int4*)from;
                            sum.x += four.x;
                            sum.y += four.y;
                            sum.z += four.z;
                            sum.w += four.w;
                        } else {
                            sum.x += *from;
                        }
                    }
                }
            }
            atomicAdd(&expert_load[column * width], sum.x);
            if (vectors) {
                atomicAdd(&expert_load[column * width + 1], sum.y);
                atomicAdd(&expert_load[column * width + 2], sum.z);
                atomicAdd(&expert_load[column * width + 3], sum.w);
            }
        }
    }
    __syncthreads();
    const int local_experts = experts / ranks;
#pragma unroll 1
    for (int rank = threadIdx.x / kWarpSize; rank < ranks; rank += threads / kWarpSize) {
        int load = 0;
        int most = 0;
#pragma unroll 1
        for (int local = lane_index(); local < local_experts; local += kWarpSize) {
            const int of_expert = expert_load[rank * local_experts + local];
            load += of_expert;
            most = larger(most, of_expert);
        }
        load = __reduce_add_sync(kFullWarp, load);
        if (rank_most != nullptr) most = __reduce_max_sync(kFullWarp, most);
        if (lane_index() == 0) {
            rank_load[rank] = load;
            if (rank_most != nullptr) rank_most[rank] = most;
        }
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
