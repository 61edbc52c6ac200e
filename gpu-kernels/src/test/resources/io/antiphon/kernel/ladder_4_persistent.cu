// ladder_4_persistent.cu: fourth step of docs/grouped-gemm.md: one block per multiprocessor walks over the
// tiles, and a warp of its own keeps a ring of stages filled, across the ends of tiles too.
//
//   x_map, weights_map, row_counts, result  as in ladder_3_tensor_cores.cu
//
// Launch: 1-D grid of any size, best one block per multiprocessor, kBlockThreads threads, kSharedBytes of
// dynamic shared memory. Bound: tensor cores. Deterministic: as before, whatever the grid.
#include "ladder_hopper.cuh"

constexpr int kStages = 6;
constexpr int kBlockThreads = kGroupThreads + 32;
constexpr int kSharedBytes = kStages * kStageBytes + 2 * kStages * 8;

// A place in the ring: its barriers' phases alternate from one round to the next.
struct Cursor {
    int stage = 0;
    uint32 parity = 0;

    __device__ __forceinline__ void advance() {
        if (++stage == kStages) {
            stage = 0;
            parity ^= 1;
        }
    }
};

// One thread fills stages that have been emptied; in the first round all are empty.
__device__ __forceinline__ void produce(const TensorMap& x_map, const TensorMap& weights_map, Walker walker,
                                        const int out, const int steps, const uint32 shared,
                                        const uint32 full, const uint32 empty) {
    Cursor cursor;
    for (int tile = (int)blockIdx.x; walker.seek(tile); tile += (int)gridDim.x) {
        for (int step = 0; step < steps; ++step) {
            barrier_wait(empty + cursor.stage * 8, cursor.parity ^ 1);
            fetch_step(x_map, weights_map, walker, out, step, shared + cursor.stage * kStageBytes,
                       full + cursor.stage * 8);
            cursor.advance();
        }
    }
}

// A warpgroup multiplies them, and frees a stage once the products of the next one are under way.
__device__ __forceinline__ void consume(Walker walker, const int out, const int steps, const uint32 shared,
                                        const uint32 full, const uint32 empty, bf16* __restrict__ result) {
    const bool arrives = threadIdx.x % 32 == 0;
    Cursor cursor;
    float sums[kSums];
    for (int tile = (int)blockIdx.x; walker.seek(tile); tile += (int)gridDim.x) {
        int last_stage = 0;
#pragma unroll
        for (int i = 0; i < kSums; ++i) sums[i] = 0.0f;
        for (int step = 0; step < steps; ++step) {
            barrier_wait(full + cursor.stage * 8, cursor.parity);
            multiply_step(sums, shared + cursor.stage * kStageBytes, step == 0);
            products_wait<1>();
            if (step > 0 && arrives) barrier_arrive(empty + last_stage * 8);
            last_stage = cursor.stage;
            cursor.advance();
        }
        products_wait<0>();
        pin(sums);
        if (steps > 0 && arrives) barrier_arrive(empty + last_stage * 8);
        store_tile(sums, walker, (int)threadIdx.x, out, result);
    }
}

__global__ void __launch_bounds__(kBlockThreads)
    ladder_persistent(const __grid_constant__ TensorMap x_map, const __grid_constant__ TensorMap weights_map,
                      const int* __restrict__ row_counts, const int experts, const int capacity,
                      const int out, const int in, bf16* __restrict__ result) {
    extern __shared__ __align__(1024) unsigned char shared_bytes[];
    const uint32 shared = shared_address(shared_bytes);
    const uint32 full = shared + kStages * kStageBytes;
    const uint32 empty = full + kStages * 8;
    if (threadIdx.x == 0) {
        for (int stage = 0; stage < kStages; ++stage) {
            barrier_init(full + stage * 8, 1);
            barrier_init(empty + stage * 8, kGroupThreads / 32);
        }
        fence_barrier_init();
    }
    __syncthreads();
    const Walker walker(row_counts, GroupedShape{experts, 0, 0, experts, capacity, out, in});
    const int steps = (in + kTileDepth - 1) / kTileDepth;
    if (threadIdx.x < kGroupThreads) {
        consume(walker, out, steps, shared, full, empty, result);
    } else if (threadIdx.x == kGroupThreads) {
        produce(x_map, weights_map, walker, out, steps, shared, full, empty);
    }
}
