// sums.cuh: the second pass of sums whose first pass left one term per block or row.
#pragma once

#include "reduce.cuh"

constexpr int kSumThreads = 1024;

// Sum of `count` terms in a fixed order, in every thread of a block of kSumThreads.
__device__ __forceinline__ double sum_terms(const double* __restrict__ terms, const int64 count) {
    double sum = 0;
#pragma unroll 4
    for (int64 i = threadIdx.x; i < count; i += kSumThreads) sum += terms[i];
    return block_sum<kSumThreads>(sum);
}

//   terms  [count]  f64  read
//   sum    [1]      f64  added to
//
// Launch: one block of kSumThreads. Bound: latency. Deterministic: fixed order.
__global__ void __launch_bounds__(kSumThreads)
    add_terms(const double* __restrict__ terms, const int64 count, double* __restrict__ sum) {
    const double total = sum_terms(terms, count);
    if (threadIdx.x == 0) sum[0] += total;
}
