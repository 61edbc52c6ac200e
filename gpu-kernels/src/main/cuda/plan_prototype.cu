// plan_prototype.cu: the planners of the Megatron-LM prototype (docs/echo.md 2.1 to 2.3 and 2.6), and the
// plan without clones; the same bits as OneShotPlanner, BinPackingPlanner and NoClonesPlanner in Java.
//
//   counts     [ranks, experts]  i32  read; assignments of each source rank to each home expert
//   slot_home  [slots]           i32  written; expert of each slot, -1 if unused
//   quota      [slots]           i32  written; assignments of each slot
//   to_slot    [ranks, slots]    i32  written; how many of them each source rank sends
//   ranks <= 128, experts <= 1024, slots <= 1024
//
// Launch: plan_no_clones 1-D of any size; the others one block of kPrototypeThreads with
// plan_prototype_shared_bytes() of dynamic shared memory. Bound: latency. Deterministic: integers, and ties
// go to the lowest index.
#include "plan.cuh"

constexpr int kPrototypeThreads = 512;
constexpr int kBuckets = 8;

enum Prototype { kOneShot, kBinPacking };

// What the loads of a group leave over (docs/echo.md 2.1): the spill of experts on ranks above the average,
// and the spare room of ranks below it, both sorted.
struct Imbalance {
    int average;
    int spilling;                // experts with spill
    int sparing;                 // ranks with room
    const int* expert_load;      // [experts]
    const int* spill;            // [experts]
    const int* spare;            // [ranks]
    const int* expert_by_spill;  // [experts]
    const int* rank_by_spare;    // [ranks]
};

// Writes the indices of positive values in descending order of the values; *positive must be zero.
__device__ __forceinline__ void sort_positive_descending(const int* values, const int length, int* order,
                                                         int* positive) {
    for (int i = threadIdx.x; i < length; i += blockDim.x) {
        const int value = values[i];
        if (value == 0) continue;
        int position = 0;
        for (int j = 0; j < length; ++j) {
            position += values[j] > value || (values[j] == value && j < i) ? 1 : 0;
        }
        order[position] = i;
        atomicAdd(positive, 1);
    }
}

// A rank serves its small experts entirely; what exceeds the average is charged to its largest ones.
__device__ __forceinline__ void measure_spill(const int ranks, const int experts, const int average,
                                              const int* expert_load, const int* rank_load, int* spill,
                                              int* spare) {
    const int local_experts = experts / ranks;
    for (int expert = threadIdx.x; expert < experts; expert += blockDim.x) {
        const int rank = expert / local_experts;
        const int load = expert_load[expert];
        int left = 0;
        if (rank_load[rank] > average) {
            int before = 0;  // of the experts that the rank serves before this one
            for (int other = rank * local_experts; other < (rank + 1) * local_experts; ++other) {
                const int other_load = expert_load[other];
                before += other_load < load || (other_load == load && other < expert) ? other_load : 0;
            }
            left = load - smaller(load, average - smaller(before, average));
        }
        spill[expert] = left;
    }
    for (int rank = threadIdx.x; rank < ranks; rank += blockDim.x) {
        spare[rank] = larger(average - rank_load[rank], 0);
    }
}

// Spills and rooms, largest first, are laid end to end on the same line; where they overlap, a piece may
// move. A rank keeps its largest pieces, one per slot. One warp per rank with room; the line's marks are the
// ends.
__device__ __forceinline__ void place_one_shot(const Imbalance& imbalance, const int slots_per_rank,
                                               const int* spill_end, const int* spare_end, int* slot_home,
                                               int* quota) {
    const int warps = blockDim.x / kWarpSize;
    for (int column = threadIdx.x / kWarpSize; column < imbalance.sparing; column += warps) {
        const int rank = imbalance.rank_by_spare[column];
        const int end = spare_end[column];
        const int start = end - imbalance.spare[rank];
        uint32 last = 0xffffffffu;  // size of the piece that was kept last
        int last_position = -1;
        for (int i = 0; i < slots_per_rank; ++i) {
            uint32 size = 0;
            int position = kMostExperts;
            for (int other = lane_index(); other < imbalance.spilling; other += kWarpSize) {
                const int other_end = spill_end[other];
                const int other_start = other_end - imbalance.spill[imbalance.expert_by_spill[other]];
                const int overlap = larger(0, smaller(end, other_end) - larger(start, other_start));
                const bool waits =
                    (uint32)overlap < last || ((uint32)overlap == last && other > last_position);
                if (waits && (uint32)overlap > size) {
                    size = (uint32)overlap;
                    position = other;
                }
            }
            last = __reduce_max_sync(kFullWarp, size);
            if (last == 0) break;
            last_position =
                (int)__reduce_min_sync(kFullWarp, size == last ? (uint32)position : (uint32)kMostExperts);
            if (lane_index() == 0) {
                slot_home[rank * slots_per_rank + i] = imbalance.expert_by_spill[last_position];
                quota[rank * slots_per_rank + i] = (int)last;
            }
        }
    }
}

// Ends of values laid end to end in an order; one warp.
__device__ __forceinline__ void lay_end_to_end(const int* values, const int* order, const int length,
                                               int* ends) {
    int before = 0;
    for (int base = 0; base < length; base += kWarpSize) {
        const int i = base + lane_index();
        const int value = i < length ? values[order[i]] : 0;
        const int end = before + exclusive_warp_sum(value) + value;
        if (i < length) ends[i] = end;
        before = __shfl_sync(kFullWarp, end, kWarpSize - 1);
    }
}

// An approximate priority queue of experts: eight size classes, each first in, first out.
struct SpillBuckets {
    const int average;
    const int step;
    int* const head;  // [kBuckets]
    int* const tail;  // [kBuckets]
    int* const next;  // [experts]

    __device__ __forceinline__ int bucket(const int spill) const {
        return spill >= average ? 0 : smaller((average - spill) / step + 1, kBuckets - 1);
    }

    __device__ __forceinline__ void add(const int expert, const int spill) const {
        const int of = bucket(spill);
        next[expert] = -1;
        if (head[of] == -1) {
            head[of] = expert;
        } else {
            next[tail[of]] = expert;
        }
        tail[of] = expert;
    }
};

// Each rank with room, roomiest first, takes from the expert with about the largest spill left. One thread
// after the queue has been filled.
__device__ __forceinline__ void place_bin_packing(const Imbalance& imbalance, const SpillBuckets& buckets,
                                                  int* left, int* slot_home, int* quota) {
    if (threadIdx.x < kBuckets) buckets.head[threadIdx.x] = -1;
    __syncthreads();
    // By descending spill the classes ascend: each is a run of the order.
    for (int i = threadIdx.x; i < imbalance.spilling; i += blockDim.x) {
        const int expert = imbalance.expert_by_spill[i];
        const int spill = imbalance.spill[expert];
        const int bucket = buckets.bucket(spill);
        left[expert] = spill;
        const bool first =
            i == 0 || buckets.bucket(imbalance.spill[imbalance.expert_by_spill[i - 1]]) != bucket;
        const bool last = i + 1 == imbalance.spilling ||
                          buckets.bucket(imbalance.spill[imbalance.expert_by_spill[i + 1]]) != bucket;
        if (first) buckets.head[bucket] = expert;
        if (last) buckets.tail[bucket] = expert;
        buckets.next[expert] = last ? -1 : imbalance.expert_by_spill[i + 1];
    }
    __syncthreads();
    if (threadIdx.x != 0) return;
    int current = 0;
    for (int column = 0; column < imbalance.sparing; ++column) {
        while (current < kBuckets && buckets.head[current] == -1) ++current;
        if (current == kBuckets) return;
        const int expert = buckets.head[current];
        buckets.head[current] = buckets.next[expert];
        const int rank = imbalance.rank_by_spare[column];
        const int placed = smaller(left[expert], imbalance.spare[rank]);
        slot_home[rank] = expert;  // with one slot per rank, the slot has the rank's number
        quota[rank] = placed;
        left[expert] -= placed;
        if (left[expert] > 0) buckets.add(expert, left[expert]);
    }
}

// Splits the quotas of one expert's slots over the source ranks (docs/echo.md 2.6): in proportion, rounded
// down, then the rest from the lowest ranks that still have some. One warp; lanes hold sources with stride
// 32.
__device__ __forceinline__ void split_in_proportion(const int* counts, const int ranks, const int experts,
                                                    const int slots, const int expert, const int load,
                                                    const int* slot_home, const int* quota, int* rest,
                                                    int* to_slot) {
    const int lane = lane_index();
    int count[kMostRanksPerLane];
    int available[kMostRanksPerLane];
#pragma unroll
    for (int k = 0; k < kMostRanksPerLane; ++k) {
        const int source = lane + k * kWarpSize;
        count[k] = source < ranks ? counts[source * experts + expert] : 0;
        available[k] = count[k];
    }
    for (int base = 0; base < slots; base += kWarpSize) {
        const int candidate = base + lane;
        uint32 mine = __ballot_sync(kFullWarp, candidate < slots && slot_home[candidate] == expert);
        for (; mine != 0; mine &= mine - 1) {
            const int slot = base + first_lane(mine);
            int taken = 0;
#pragma unroll
            for (int k = 0; k < kMostRanksPerLane; ++k) {
                const int source = lane + k * kWarpSize;
                const int share = (int)((uint64)(uint32)count[k] * (uint32)quota[slot] / (uint32)load);
                if (share > 0) to_slot[(int64)source * slots + slot] = share;
                available[k] -= share;
                taken += share;
            }
            taken = __reduce_add_sync(kFullWarp, taken);
            if (lane == 0) rest[slot] = quota[slot] - taken;
        }
    }
    __syncwarp();
    // What the sources have left and what the slots lack, end to end on the same line: overlaps move.
    int start[kMostRanksPerLane];
    int before = 0;
#pragma unroll
    for (int k = 0; k < kMostRanksPerLane; ++k) {
        start[k] = before + exclusive_warp_sum(available[k]);
        before = __shfl_sync(kFullWarp, start[k] + available[k], kWarpSize - 1);
    }
    int slot_start = 0;
    for (int base = 0; base < slots; base += kWarpSize) {
        const int candidate = base + lane;
        uint32 mine = __ballot_sync(kFullWarp, candidate < slots && slot_home[candidate] == expert);
        for (; mine != 0; mine &= mine - 1) {
            const int slot = base + first_lane(mine);
            const int slot_end = slot_start + rest[slot];
#pragma unroll
            for (int k = 0; k < kMostRanksPerLane; ++k) {
                const int overlap = smaller(slot_end, start[k] + available[k]) - larger(slot_start, start[k]);
                if (overlap > 0) to_slot[(int64)(lane + k * kWarpSize) * slots + slot] += overlap;
            }
            slot_start = slot_end;
        }
    }
}

// The arrays in the kernel's shared memory, one after the other: pointers, or with Place = int how many words
// lie before each. Sums come first.
template <typename Place>
struct PrototypeMemory {
    Place listed;
    Place spilling;
    Place sparing;
    Place head;             // [kBuckets]
    Place tail;             // [kBuckets]
    Place expert_load;      // [experts]
    Place spill;            // [experts]
    Place expert_by_spill;  // [experts]
    Place spill_end;        // [experts]; bin packing: what an expert has left
    Place clones_of;        // [experts]; bin packing: the queue, before
    Place cloned;           // [experts]
    Place spare;            // [ranks]
    Place rank_by_spare;    // [ranks]
    Place rank_load;        // [ranks]; one-shot: ends of the rooms, later
    Place rank_most;        // [ranks]
    Place home_in_slot;     // [slots]
    Place quota_of_slot;    // [slots]
    Place rest;             // [slots]
    Place end;

    __host__ __device__ constexpr PrototypeMemory(const Place start, const int ranks, const int experts,
                                                  const int slots)
        : listed(start + kSumWords),
          spilling(listed + 1),
          sparing(listed + 2),
          head(listed + 4),
          tail(head + kBuckets),
          expert_load(tail + kBuckets),
          spill(expert_load + experts),
          expert_by_spill(spill + experts),
          spill_end(expert_by_spill + experts),
          clones_of(spill_end + experts),
          cloned(clones_of + experts),
          spare(cloned + experts),
          rank_by_spare(spare + ranks),
          rank_load(rank_by_spare + ranks),
          rank_most(rank_load + ranks),
          home_in_slot(rank_most + ranks),
          quota_of_slot(home_in_slot + slots),
          rest(quota_of_slot + slots),
          end(rest + slots) {}
};

__host__ __device__ constexpr int plan_prototype_shared_bytes(const int ranks, const int experts,
                                                              const int slots) {
    return PrototypeMemory<int>(0, ranks, experts, slots).end * (int)sizeof(int);
}

template <Prototype kPrototype>
__global__ void __launch_bounds__(kPrototypeThreads)
    plan_prototype(const int* __restrict__ counts, const int ranks, const int experts,
                   const int slots_per_rank, int* __restrict__ slot_home, int* __restrict__ quota,
                   int* __restrict__ to_slot) {
    extern __shared__ int4 shared_memory[];
    const int slots = ranks * slots_per_rank;
    int* const partial = (int*)shared_memory;
    const PrototypeMemory<int*> at(partial, ranks, experts, slots);
    int* const listed = at.listed;
    int* const spilling = at.spilling;
    int* const sparing = at.sparing;
    int* const head = at.head;
    int* const tail = at.tail;
    int* const expert_load = at.expert_load;
    int* const spill = at.spill;
    int* const expert_by_spill = at.expert_by_spill;
    int* const spill_end = at.spill_end;
    int* const clones_of = at.clones_of;
    int* const cloned = at.cloned;
    int* const spare = at.spare;
    int* const rank_by_spare = at.rank_by_spare;
    int* const rank_load = at.rank_load;
    int* const rank_most = at.rank_most;
    int* const home_in_slot = at.home_in_slot;
    int* const quota_of_slot = at.quota_of_slot;
    int* const rest = at.rest;

    sum_loads(counts, ranks, experts, partial, expert_load, rank_load, rank_most, [&] {
        fill(home_in_slot, slots, kUnusedSlot);
        fill(quota_of_slot, slots, 0);
        fill(to_slot, (int64)ranks * slots, 0);
        if (threadIdx.x < 3) listed[threadIdx.x] = 0;
    });
    const int average = sum_in_warp(rank_load, ranks) / ranks;
    measure_spill(ranks, experts, average, expert_load, rank_load, spill, spare);
    __syncthreads();
    sort_positive_descending(spill, experts, expert_by_spill, spilling);
    sort_positive_descending(spare, ranks, rank_by_spare, sparing);
    __syncthreads();
    const Imbalance imbalance = {average, *spilling, *sparing,        expert_load,
                                 spill,   spare,     expert_by_spill, rank_by_spare};
    if constexpr (kPrototype == kOneShot) {
        if (threadIdx.x / kWarpSize == 0) {
            lay_end_to_end(spill, expert_by_spill, imbalance.spilling, spill_end);
        }
        if (threadIdx.x / kWarpSize == 1) lay_end_to_end(spare, rank_by_spare, imbalance.sparing, rank_load);
        __syncthreads();
        place_one_shot(imbalance, slots_per_rank, spill_end, rank_load, home_in_slot, quota_of_slot);
    } else {
        const SpillBuckets buckets = {average, larger(1, average / (kBuckets - 1)), head, tail, clones_of};
        place_bin_packing(imbalance, buckets, spill_end, home_in_slot, quota_of_slot);
    }
    __syncthreads();
    fill(clones_of, experts, 0);
    for (int slot = threadIdx.x; slot < slots; slot += blockDim.x) {
        slot_home[slot] = home_in_slot[slot];
        quota[slot] = quota_of_slot[slot];
    }
    __syncthreads();
    list_cloned(home_in_slot, slots, clones_of, cloned, listed);
    for (int i = threadIdx.x / kWarpSize; i < *listed; i += kPrototypeThreads / kWarpSize) {
        split_in_proportion(counts, ranks, experts, slots, cloned[i], expert_load[cloned[i]], home_in_slot,
                            quota_of_slot, rest, to_slot);
    }
}

__global__ void plan_no_clones(const int slots, const int64 pairs, int* __restrict__ slot_home,
                               int* __restrict__ quota, int* __restrict__ to_slot) {
    const int64 stride = (int64)gridDim.x * blockDim.x;
    for (int64 i = (int64)blockIdx.x * blockDim.x + threadIdx.x; i < pairs; i += stride) {
        to_slot[i] = 0;
        if (i < slots) {
            slot_home[i] = kUnusedSlot;
            quota[i] = 0;
        }
    }
}
