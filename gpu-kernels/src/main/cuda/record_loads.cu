// record_loads.cu: adds the loads of one micro-batch to the statistics of a layer.
//
//   counts      [ranks, experts]           i32  read
//   slot_home   [slots]                    i32  read; expert of each slot, -1 if unused
//   quota       [slots]                    i32  read; assignments of each slot
//   to_send     [slots]                    i32  read; expert whose weights are sent to each slot, -1 for none
//   statistics  [experts + 2 * ranks + 4]  f64  added to: assignments per expert; rank loads before and after
//               the plan; max/mean before and after; clones; clones that are sent
//   ranks <= 128
//
// Launch: one block of 512 threads with record_loads_shared_bytes() of dynamic shared memory. Bound: latency;
// 4 bytes per count. Deterministic: each number is added by one thread, to each expert in the order of source
// ranks, as on the CPU.
#include "plan.cuh"

// max/mean; 1 without any load. One warp.
__device__ __forceinline__ double imbalance(const int* loads, const int ranks) {
    int most = 0;
    int64 total = 0;
    for (int rank = lane_index(); rank < ranks; rank += kWarpSize) {
        most = larger(most, loads[rank]);
        total += loads[rank];
    }
    most = __reduce_max_sync(kFullWarp, most);
    total = warp_sum(total);
    return total == 0 ? 1.0 : (double)most * ranks / (double)total;
}

__host__ __device__ constexpr int record_loads_shared_bytes(const int ranks) {
    return (2 * ranks + 2) * (int)sizeof(int);
}

__global__ void record_loads(const int* __restrict__ counts, const int* __restrict__ slot_home,
                             const int* __restrict__ quota, const int* __restrict__ to_send, const int ranks,
                             const int experts, const int slots, double* __restrict__ statistics) {
    constexpr int kUnroll = 8;  // reads in flight
    extern __shared__ int4 shared_memory[];
    int* const before = (int*)shared_memory;  // [ranks]
    int* const after = before + ranks;        // [ranks]
    int* const clones = after + ranks;
    int* const sent = clones + 1;
    const int local_experts = experts / ranks;
    for (int rank = threadIdx.x; rank < ranks; rank += blockDim.x) {
        before[rank] = 0;
        after[rank] = 0;
    }
    if (threadIdx.x < 2) clones[threadIdx.x] = 0;
    __syncthreads();
    for (int expert = threadIdx.x; expert < experts; expert += blockDim.x) {
        double sum = statistics[expert];
        int load = 0;
        for (int row = 0; row < ranks; row += kUnroll) {
            int count[kUnroll];
#pragma unroll
            for (int i = 0; i < kUnroll; ++i) {
                count[i] = row + i < ranks ? counts[(row + i) * experts + expert] : 0;
            }
#pragma unroll
            for (int i = 0; i < kUnroll; ++i) {
                sum += (double)count[i];
                load += count[i];
            }
        }
        statistics[expert] = sum;
        atomicAdd(&before[expert / local_experts], load);
        atomicAdd(&after[expert / local_experts], load);
    }
    for (int slot = threadIdx.x; slot < slots; slot += blockDim.x) {
        const int home = slot_home[slot];
        if (home != kUnusedSlot) {
            atomicAdd(&after[home / local_experts], -quota[slot]);
            atomicAdd(&after[slot / (slots / ranks)], quota[slot]);
            atomicAdd(clones, 1);
        }
        if (to_send[slot] != kUnusedSlot) atomicAdd(sent, 1);
    }
    __syncthreads();
    double* const of_ranks = statistics + experts;
    for (int rank = threadIdx.x; rank < ranks; rank += blockDim.x) {
        of_ranks[rank] += (double)before[rank];
        of_ranks[ranks + rank] += (double)after[rank];
    }
    if (threadIdx.x >= kWarpSize) return;
    const double imbalance_before = imbalance(before, ranks);
    const double imbalance_after = imbalance(after, ranks);
    if (threadIdx.x == 0) {
        double* const of_group = of_ranks + 2 * ranks;
        of_group[0] += imbalance_before;
        of_group[1] += imbalance_after;
        of_group[2] += (double)*clones;
        of_group[3] += (double)*sent;
    }
}
