// layout_rows.cu: the destination of every assignment of one rank, and its rows per physical expert. Rows of
// a rank are ordered by physical expert, then source rank, then token; of one home expert's assignments in
// ascending order, the first go to its first slot, the next to its second, and the last stay home.
//
//   top_experts       [assignments]         i32  read; home experts, assignments in the order of tokens
//   counts            [ranks, experts]      i32  read
//   slot_home         [slots]               i32  read; expert of each slot, -1 if unused
//   to_slot           [ranks, slots]        i32  read; assignments of each source rank to each slot
//   destination_rank  [assignments]         i32  written; -1 if the row does not fit row_capacity
//   destination_row   [assignments]         i32  written
//   row_counts        [local + slots_per_rank]  i32  written; clipped to row_capacity in all
//   overflow          [1]                   i32  set if a rank needs more than row_capacity rows
//   required_rows     [1]                   i64  raised to the most rows that a rank needs
//   scratch           totals and firsts [experts + slots] each, then block counts [chunks, experts]
//   ranks <= 128, experts <= 1024, slots <= 1024
//
// Launch, in this order:
//   layout_count   [chunks + column_blocks] blocks of 256 threads: experts in every chunk of 2,048
//                  assignments, and sums of the columns of counts and to_slot, 32 columns per block
//   layout_scan    with many chunks only: [ceil(experts / 32)] blocks of 256 threads: block counts to offsets
//   layout_place   [max(chunks, 1)] blocks of 256 threads with layout_place_shared_bytes() of dynamic shared
//                  memory: everything else. With few chunks it adds up the block counts by itself.
// Bound: latency for few assignments, memory for many (12 bytes per assignment). Deterministic: an
// assignment's index among those to its expert is counted, never drawn from an atomic counter.
#include "plan.cuh"

constexpr int kLayoutThreads = 256;
constexpr int kLayoutWarps = kLayoutThreads / kWarpSize;
constexpr int kPerLane = 8;
constexpr int kPerWarp = kPerLane * kWarpSize;
constexpr int kChunk = kPerWarp * kLayoutWarps;

// Sums of 32 columns over all source ranks, and over those below `rank`. Column c is expert c, or slot
// c - experts of those that are used.
__device__ __forceinline__ void sum_columns(const int* counts, const int* slot_home, const int* to_slot,
                                            const int ranks, const int experts, const int slots,
                                            const int rank, const int first_column, int* totals,
                                            int* firsts) {
    __shared__ int sums[2][kLayoutWarps][kWarpSize];
    const int lane = lane_index();
    const int warp = threadIdx.x / kWarpSize;
    const int column = first_column + lane;
    int total = 0;
    int first = 0;
    const bool is_expert = column < experts;
    if (is_expert || (column < experts + slots && slot_home[column - experts] != kUnusedSlot)) {
        const int* const from = is_expert ? counts + column : to_slot + (column - experts);
        const int64 width = is_expert ? experts : slots;
#pragma unroll 4
        for (int source = warp; source < ranks; source += kLayoutWarps) {
            const int value = from[source * width];
            total += value;
            first += source < rank ? value : 0;
        }
    }
    sums[0][warp][lane] = total;
    sums[1][warp][lane] = first;
    __syncthreads();
    if (warp < 2 && column < experts + slots) {
        int sum = 0;
#pragma unroll
        for (int i = 0; i < kLayoutWarps; ++i) sum += sums[warp][i][lane];
        (warp == 0 ? totals : firsts)[column] = sum;
    }
}

__global__ void __launch_bounds__(kLayoutThreads)
    layout_count(const int* __restrict__ top_experts, const int64 assignments, const int* __restrict__ counts,
                 const int* __restrict__ slot_home, const int* __restrict__ to_slot, const int ranks,
                 const int experts, const int slots, const int rank, const int chunks,
                 int* __restrict__ totals, int* __restrict__ firsts, int* __restrict__ block_counts) {
    if ((int)blockIdx.x >= chunks) {
        sum_columns(counts, slot_home, to_slot, ranks, experts, slots, rank,
                    ((int)blockIdx.x - chunks) * kWarpSize, totals, firsts);
        return;
    }
    __shared__ int histogram[kMostExperts];
    const int64 start = (int64)blockIdx.x * kChunk;
    int expert[kPerLane];
#pragma unroll
    for (int i = 0; i < kPerLane; ++i) {
        const int64 assignment = start + i * kLayoutThreads + threadIdx.x;
        expert[i] = assignment < assignments ? top_experts[assignment] : -1;
    }
    for (int i = threadIdx.x; i < experts; i += kLayoutThreads) histogram[i] = 0;
    __syncthreads();
#pragma unroll
    for (int i = 0; i < kPerLane; ++i) {
        if (expert[i] >= 0) atomicAdd(&histogram[expert[i]], 1);
    }
    __syncthreads();
    for (int i = threadIdx.x; i < experts; i += kLayoutThreads) {
        block_counts[(int64)blockIdx.x * experts + i] = histogram[i];
    }
}

// Turns block counts into the assignments of lower chunks, in place; 32 experts per block.
__global__ void __launch_bounds__(kLayoutThreads)
    layout_scan(const int experts, const int chunks, int* __restrict__ block_counts) {
    __shared__ int sums[kLayoutWarps][kWarpSize];
    const int warp = threadIdx.x / kWarpSize;
    const int expert = (int)blockIdx.x * kWarpSize + lane_index();
    const int per_warp = (chunks + kLayoutWarps - 1) / kLayoutWarps;
    const int begin = warp * per_warp;
    const int end = smaller(begin + per_warp, chunks);
    int sum = 0;
    if (expert < experts) {
#pragma unroll 8
        for (int chunk = begin; chunk < end; ++chunk) sum += block_counts[(int64)chunk * experts + expert];
    }
    sums[warp][lane_index()] = sum;
    __syncthreads();
    int before = 0;
    for (int i = 0; i < warp; ++i) before += sums[i][lane_index()];
    if (expert < experts) {
        for (int chunk = begin; chunk < end; ++chunk) {
            int* const at = block_counts + (int64)chunk * experts + expert;
            const int count = *at;
            *at = before;
            before += count;
        }
    }
}

// Shared memory of layout_place, in this order.
struct LayoutTables {
    int* row;         // [experts + slots]: first row of the rank's assignments, less their first index
    int* total;       // [experts + slots]: rows of all ranks
    int* first_slot;  // [experts]: the first slot that takes assignments of this rank, or -1
    int* last_slot;   // [experts]: the last one so far
    int* moved;       // [experts]: assignments of this rank to those slots
    int* offset;      // [experts]: assignments to the expert in lower chunks
    int* next_slot;   // [slots]: the next one of the same expert, or -1
    int* slot_end;    // [slots]: assignments of this rank to the expert's slots up to this one
    int* rank_rows;   // [ranks]
    uint16* in_warp;  // [warps, experts]: assignments to the expert in lower warps, counting up
};

__host__ __device__ constexpr int layout_place_shared_bytes(const int ranks, const int experts,
                                                            const int slots) {
    return (2 * (experts + slots) + 4 * experts + 2 * slots + ranks) * (int)sizeof(int) +
           kLayoutWarps * experts * (int)sizeof(uint16);
}

// Chains the slots of every expert that take assignments of this rank, in ascending order. One warp.
__device__ __forceinline__ void chain_slots(const LayoutTables& tables, const int* slot_home,
                                            const int* to_slot_of_rank, const int slots) {
    const int lane = lane_index();
    const uint32 lower = (1u << lane) - 1;
    for (int base = 0; base < slots; base += kWarpSize) {
        const int slot = base + lane;
        const int home = slot < slots ? slot_home[slot] : kUnusedSlot;
        const int taken = home != kUnusedSlot ? to_slot_of_rank[slot] : 0;
        const int key = taken > 0 ? home : -1 - lane;  // unused slots have no peers
        const uint32 peers = __match_any_sync(kFullWarp, key);
        if (slot < slots) tables.slot_end[slot] = taken;
        __syncwarp();
        int end = 0;
        int former = -1;
        if (taken > 0) {
            end = tables.moved[home] + taken;
            former = tables.last_slot[home];
            for (uint32 left = peers & lower; left != 0; left &= left - 1) {
                end += tables.slot_end[base + first_lane(left)];
            }
            if ((peers & lower) != 0) former = base + last_lane(peers & lower);
        }
        __syncwarp();  // all have read
        if (taken > 0) {
            tables.slot_end[slot] = end;
            tables.next_slot[slot] = -1;
        }
        __syncwarp();
        if (taken > 0) {
            if (former == -1) {
                tables.first_slot[home] = slot;
            } else {
                tables.next_slot[former] = slot;
            }
            if (last_lane(peers) == lane) {
                tables.last_slot[home] = slot;
                tables.moved[home] = end;
            }
        }
        __syncwarp();
    }
}

// The first row of one physical expert, and this rank's count of it.
__device__ __forceinline__ void lay_out_expert(const LayoutTables& tables, const int column, const int local,
                                               const int start, const int rows, const int64 row_capacity,
                                               int* row_counts) {
    tables.row[column] += start;
    if (row_counts == nullptr) return;
    const int64 room = row_capacity - start;
    row_counts[local] = room <= 0 ? 0 : room < rows ? (int)room : rows;
}

// First rows of every physical expert, and the rows of every rank. All warps but the first call it: a thread
// per rank if ranks have few experts, otherwise a warp.
__device__ __forceinline__ void lay_out_ranks(const LayoutTables& tables, const int ranks, const int experts,
                                              const int slots_per_rank, const int own_rank,
                                              const int64 row_capacity, int* row_counts) {
    constexpr int kFew = 12;
    const int local_experts = experts / ranks;
    const int local_physical = local_experts + slots_per_rank;
    const int warp = (int)threadIdx.x / kWarpSize - 1;
    if (local_physical <= kFew) {
        const int rank = (int)threadIdx.x - kWarpSize;
        if (rank >= ranks) return;
        int before = 0;
        for (int local = 0; local < local_physical; ++local) {
            const int column = local < local_experts
                                   ? rank * local_experts + local
                                   : experts + rank * slots_per_rank + local - local_experts;
            const int rows = tables.total[column];
            lay_out_expert(tables, column, local, before, rows, row_capacity,
                           rank == own_rank ? row_counts : nullptr);
            before += rows;
        }
        tables.rank_rows[rank] = before;
        return;
    }
    for (int rank = warp; rank < ranks; rank += kLayoutWarps - 1) {
        int before = 0;
        for (int base = 0; base < local_physical; base += kWarpSize) {
            const int local = base + lane_index();
            const bool valid = local < local_physical;
            const int column = local < local_experts
                                   ? rank * local_experts + local
                                   : experts + rank * slots_per_rank + local - local_experts;
            const int rows = valid ? tables.total[column] : 0;
            const int start = before + exclusive_warp_sum(rows);
            if (valid) {
                lay_out_expert(tables, column, local, start, rows, row_capacity,
                               rank == own_rank ? row_counts : nullptr);
            }
            before = __shfl_sync(kFullWarp, start + rows, kWarpSize - 1);
        }
        if (lane_index() == 0) tables.rank_rows[rank] = before;
    }
}

template <bool kScanned>
__global__ void __launch_bounds__(kLayoutThreads, 1)
    layout_place(const int* __restrict__ top_experts, const int64 assignments,
                 const int* __restrict__ slot_home, const int* __restrict__ to_slot, const int ranks,
                 const int experts, const int slots, const int rank, const int64 row_capacity,
                 const int* __restrict__ totals, const int* __restrict__ firsts,
                 const int* __restrict__ block_counts, int* __restrict__ destination_rank,
                 int* __restrict__ destination_row, int* __restrict__ row_counts, int* __restrict__ overflow,
                 int64* __restrict__ required_rows) {
    extern __shared__ int4 shared_memory[];
    LayoutTables tables;
    tables.row = (int*)shared_memory;
    tables.total = tables.row + experts + slots;
    tables.first_slot = tables.total + experts + slots;
    tables.last_slot = tables.first_slot + experts;
    tables.moved = tables.last_slot + experts;
    tables.offset = tables.moved + experts;
    tables.next_slot = tables.offset + experts;
    tables.slot_end = tables.next_slot + slots;
    tables.rank_rows = tables.slot_end + slots;
    tables.in_warp = (uint16*)(tables.rank_rows + ranks);
    const int lane = lane_index();
    const int warp = threadIdx.x / kWarpSize;
    const int slots_per_rank = slots / ranks;
    const int local_experts = experts / ranks;
    const int64 start = (int64)blockIdx.x * kChunk + warp * kPerWarp;

    int expert[kPerLane];
#pragma unroll
    for (int i = 0; i < kPerLane; ++i) {
        const int64 assignment = start + i * kWarpSize + lane;
        expert[i] = assignment < assignments ? top_experts[assignment] : -1;
    }
    for (int i = threadIdx.x; i < experts; i += kLayoutThreads) {
        tables.first_slot[i] = -1;
        tables.last_slot[i] = -1;
        tables.moved[i] = 0;
    }
    for (int i = threadIdx.x; i < kLayoutWarps * experts; i += kLayoutThreads) tables.in_warp[i] = 0;
    for (int i = threadIdx.x; i < experts + slots; i += kLayoutThreads) {
        tables.total[i] = totals[i];
        tables.row[i] = firsts[i];
    }
    __syncthreads();
    // What slots take does not stay home.
    for (int slot = threadIdx.x; slot < slots; slot += kLayoutThreads) {
        const int home = slot_home[slot];
        if (home != kUnusedSlot) {
            atomicAdd(&tables.total[home], -totals[experts + slot]);
            atomicAdd(&tables.row[home], -firsts[experts + slot]);
        }
    }
    __syncthreads();
    if (warp == 0) {
        chain_slots(tables, slot_home, to_slot + (int64)rank * slots, slots);
    } else {
        lay_out_ranks(tables, ranks, experts, slots_per_rank, rank, row_capacity,
                      blockIdx.x == 0 ? row_counts : nullptr);
    }
    for (int i = threadIdx.x; i < experts; i += kLayoutThreads) {
        int before = 0;
        if (assignments > 0) {
            if (kScanned) {
                before = block_counts[(int64)blockIdx.x * experts + i];
            } else {
#pragma unroll 8
                for (int chunk = 0; chunk < (int)blockIdx.x; ++chunk) {
                    before += block_counts[(int64)chunk * experts + i];
                }
            }
        }
        tables.offset[i] = before;
    }
    // Assignments per warp; a lane stands for its peers, so that no two lanes meet at a counter.
    uint16* const own = tables.in_warp + warp * experts;
    uint32 peers[kPerLane];
#pragma unroll
    for (int i = 0; i < kPerLane; ++i) peers[i] = __match_any_sync(kFullWarp, expert[i]);
#pragma unroll
    for (int i = 0; i < kPerLane; ++i) {
        if (expert[i] >= 0 && first_lane(peers[i]) == lane) own[expert[i]] += (uint16)__popc(peers[i]);
        __syncwarp();
    }
    __syncthreads();
    for (int i = threadIdx.x; i < experts; i += kLayoutThreads) {
        int before = 0;
#pragma unroll
        for (int other = 0; other < kLayoutWarps; ++other) {
            const int count = tables.in_warp[other * experts + i];
            tables.in_warp[other * experts + i] = (uint16)before;
            before += count;
        }
        tables.row[i] -= tables.moved[i];
    }
    for (int slot = threadIdx.x; slot < slots; slot += kLayoutThreads) {
        const int home = slot_home[slot];
        const int taken = home != kUnusedSlot ? to_slot[(int64)rank * slots + slot] : 0;
        if (taken > 0) tables.row[experts + slot] -= tables.slot_end[slot] - taken;
    }
    if (blockIdx.x == 0 && warp == 0) {
        int most = 0;
        for (int i = lane; i < ranks; i += kWarpSize) most = larger(most, tables.rank_rows[i]);
        most = __reduce_max_sync(kFullWarp, most);
        if (lane == 0) {
            if (*required_rows < most) *required_rows = most;
            if (most > row_capacity) *overflow = 1;
        }
    }
    __syncthreads();
    int index[kPerLane];  // among this rank's assignments to the expert
#pragma unroll
    for (int i = 0; i < kPerLane; ++i) {
        const int before = expert[i] >= 0 ? own[expert[i]] : 0;
        index[i] = before + __popc(peers[i] & ((1u << lane) - 1));
        __syncwarp();  // all have read
        if (expert[i] >= 0 && first_lane(peers[i]) == lane)
            own[expert[i]] = (uint16)(before + __popc(peers[i]));
        __syncwarp();
    }
#pragma unroll
    for (int i = 0; i < kPerLane; ++i) {
        if (expert[i] < 0) continue;
        const int at = index[i] + tables.offset[expert[i]];
        int slot = tables.first_slot[expert[i]];
        while (slot >= 0 && at >= tables.slot_end[slot]) slot = tables.next_slot[slot];
        const int row = at + tables.row[slot >= 0 ? experts + slot : expert[i]];
        const int to = slot >= 0 ? slot / slots_per_rank : expert[i] / local_experts;
        const int64 assignment = start + i * kWarpSize + lane;
        destination_rank[assignment] = row < row_capacity ? to : -1;
        destination_row[assignment] = row;
    }
}
