// count_assignments.cu: assignments per expert on this rank (docs/echo.md 1.2, step 2).
//
//   top_experts  [assignments]  i32  read; values in [0, experts)
//   counts       [experts]      i32  written; kAlone: by one block, otherwise added to after zero_counts
//
// Launch: 1-D grid with experts * 4 bytes of dynamic shared memory; kAlone: one block. Bound: memory, 4 bytes
// per assignment, or latency for a few. Deterministic: integer sums.
#include "types.cuh"

__global__ void zero_counts(const int experts, int* __restrict__ counts) {
    const int expert = (int)(blockIdx.x * blockDim.x + threadIdx.x);
    if (expert < experts) counts[expert] = 0;
}

__host__ __device__ constexpr int count_assignments_shared_bytes(const int experts) {
    return experts * (int)sizeof(int);
}

template <bool kAlone>
__global__ void count_assignments(const int* __restrict__ top_experts, const int64 assignments,
                                  const int experts, int* __restrict__ counts) {
    constexpr int kUnroll = 4;  // reads in flight
    extern __shared__ int4 shared_memory[];
    int* const block_counts = (int*)shared_memory;
    for (int expert = threadIdx.x; expert < experts; expert += blockDim.x) block_counts[expert] = 0;
    __syncthreads();
    const int64 threads = (int64)gridDim.x * blockDim.x;
    for (int64 first = (int64)blockIdx.x * blockDim.x + threadIdx.x; first < assignments;
         first += kUnroll * threads) {
        int expert[kUnroll];
#pragma unroll
        for (int i = 0; i < kUnroll; ++i) {
            const int64 assignment = first + i * threads;
            expert[i] = assignment < assignments ? top_experts[assignment] : -1;
        }
#pragma unroll
        for (int i = 0; i < kUnroll; ++i) {
            if (expert[i] >= 0) atomicAdd(&block_counts[expert[i]], 1);
        }
    }
    __syncthreads();
    for (int expert = threadIdx.x; expert < experts; expert += blockDim.x) {
        const int count = block_counts[expert];
        if (kAlone) {
            counts[expert] = count;
        } else if (count > 0) {
            atomicAdd(&counts[expert], count);
        }
    }
}
