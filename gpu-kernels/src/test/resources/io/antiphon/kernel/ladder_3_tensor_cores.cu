// ladder_3_tensor_cores.cu: third step of docs/grouped-gemm.md: the copy engine brings the tiles, the tensor
// cores multiply them out of shared memory. A block still has one tile, and waits for every copy.
//
//   x_map        x [capacity, in]: boxes [64, 64] with 128-byte swizzle
//   weights_map  weights [experts * out, in]: boxes [128, 64] with 128-byte swizzle
//   row_counts, result  as in ladder_1_naive.cu; in is a multiple of 8
//
// Launch: 1-D grid of (ceil(capacity / 64) + experts) * ceil(out / 128) blocks of 128 threads, kSharedBytes
// of dynamic shared memory. Bound: latency of copies; the tensor cores wait. Deterministic: as before.
#include "ladder_hopper.cuh"

constexpr int kSharedBytes = kStageBytes + 8;

__global__ void __launch_bounds__(kGroupThreads)
    ladder_tensor_cores(const __grid_constant__ TensorMap x_map,
                        const __grid_constant__ TensorMap weights_map, const int* __restrict__ row_counts,
                        const int experts, const int capacity, const int out, const int in,
                        bf16* __restrict__ result) {
    extern __shared__ __align__(1024) unsigned char shared[];
    const uint32 stage = shared_address(shared);
    const uint32 full = stage + kStageBytes;
    const bool leader = threadIdx.x == 0;
    if (leader) {
        barrier_init(full, 1);
        fence_barrier_init();
    }
    __syncthreads();
    Walker walker(row_counts, GroupedShape{experts, 0, 0, experts, capacity, out, in});
    if (!walker.seek((int)blockIdx.x)) return;
    float sums[kSums];
#pragma unroll
    for (int i = 0; i < kSums; ++i) sums[i] = 0.0f;
    const int steps = (in + kTileDepth - 1) / kTileDepth;
    for (int step = 0; step < steps; ++step) {
        if (leader) fetch_step(x_map, weights_map, walker, out, step, stage, full);
        barrier_wait(full, step % 2);
        multiply_step(sums, stage, step == 0);
        products_wait<0>();
        pin(sums);
        __syncthreads();  // all warps have read the operands: they may be overwritten
    }
    store_tile(sums, walker, (int)threadIdx.x, out, result);
}
