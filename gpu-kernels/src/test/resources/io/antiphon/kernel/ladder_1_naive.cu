// ladder_1_naive.cu: first step of docs/grouped-gemm.md: what a grouped GEMM computes, and nothing else.
//
//   x           [capacity, in]      bf16  read; the rows of expert 0, then those of expert 1, and so on
//   weights     [experts, out, in]  bf16  read
//   row_counts  [experts]           i32   read
//   result      [capacity, out]     bf16  written in rows that an expert has: x weights[expert]^T
//
// Launch: 1-D grid of at least capacity * out threads. Bound: memory; every product reads both of its
// factors.
// Deterministic: a thread sums one element in ascending order.
#include "types.cuh"

// The expert that has a row, or -1: the counts say so, and only the device knows them.
__device__ __forceinline__ int expert_of(const int64 row, const int* __restrict__ row_counts,
                                         const int experts) {
    int64 end = 0;
    for (int expert = 0; expert < experts; ++expert) {
        end += row_counts[expert];
        if (row < end) return expert;
    }
    return -1;
}

__global__ void ladder_naive(const bf16* __restrict__ x, const bf16* __restrict__ weights,
                             const int* __restrict__ row_counts, const int experts, const int capacity,
                             const int out, const int in, bf16* __restrict__ result) {
    const int64 index = (int64)blockIdx.x * blockDim.x + threadIdx.x;
    const int64 row = index / out;
    const int column = (int)(index - row * out);
    if (row >= capacity) return;
    const int expert = expert_of(row, row_counts, experts);
    if (expert < 0) return;
    const bf16* const left = x + row * in;
    const bf16* const right = weights + ((int64)expert * out + column) * in;
    float sum = 0.0f;
    for (int depth = 0; depth < in; ++depth) sum += to_float(left[depth]) * to_float(right[depth]);
    result[index] = to_bf16(sum);
}
