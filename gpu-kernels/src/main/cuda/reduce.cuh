// reduce.cuh: sums and maxima over a warp or a block, in a fixed order, so that results have the same bits
// on every run.
#pragma once

#include "types.cuh"

constexpr uint32 kFullWarp = 0xffffffffu;
constexpr int kWarpSize = 32;

// Sum over the warp's 32 lanes, in every lane.
template <typename Value>
__device__ __forceinline__ Value warp_sum(Value value) {
#pragma unroll
    for (int offset = kWarpSize / 2; offset > 0; offset /= 2) {
        value += __shfl_xor_sync(kFullWarp, value, offset);
    }
    return value;
}

// Maximum over the warp's 32 lanes, in every lane.
template <typename Value>
__device__ __forceinline__ Value warp_max(Value value) {
#pragma unroll
    for (int offset = kWarpSize / 2; offset > 0; offset /= 2) {
        const Value other = __shfl_xor_sync(kFullWarp, value, offset);
        value = value > other ? value : other;
    }
    return value;
}

// Sum over a block of kThreads threads (a multiple of 32, at most 1024), in every thread. Uses shared
// memory of its own and two barriers; all threads of the block must call it.
template <int kThreads, typename Value>
__device__ __forceinline__ Value block_sum(Value value) {
    static_assert(kThreads % kWarpSize == 0 && kThreads <= 1024, "a block is whole warps");
    constexpr int kWarps = kThreads / kWarpSize;
    __shared__ Value partial[kWarps];
    value = warp_sum(value);
    if constexpr (kWarps == 1) return value;
    __syncthreads();  // an earlier call may still be reading
    if (threadIdx.x % kWarpSize == 0) partial[threadIdx.x / kWarpSize] = value;
    __syncthreads();
    Value sum = partial[0];
#pragma unroll
    for (int warp = 1; warp < kWarps; ++warp) sum += partial[warp];
    return sum;
}

// Maximum over a block, as block_sum.
template <int kThreads, typename Value>
__device__ __forceinline__ Value block_max(Value value) {
    static_assert(kThreads % kWarpSize == 0 && kThreads <= 1024, "a block is whole warps");
    constexpr int kWarps = kThreads / kWarpSize;
    __shared__ Value partial[kWarps];
    value = warp_max(value);
    if constexpr (kWarps == 1) return value;
    __syncthreads();
    if (threadIdx.x % kWarpSize == 0) partial[threadIdx.x / kWarpSize] = value;
    __syncthreads();
    Value largest = partial[0];
#pragma unroll
    for (int warp = 1; warp < kWarps; ++warp) {
        largest = largest > partial[warp] ? largest : partial[warp];
    }
    return largest;
}
