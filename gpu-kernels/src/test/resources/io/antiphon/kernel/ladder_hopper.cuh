// ladder_hopper.cuh: what the third and the fourth step of docs/grouped-gemm.md share: tiles of 64 x 128 in
// steps of 64 in depth, brought by the copy engine and multiplied by the tensor cores of one warpgroup.
#pragma once

#include "mma_sm90.cuh"
#include "mma_tiles.cuh"

constexpr int kTileRows = 64;
constexpr int kTileColumns = 128;
constexpr int kTileDepth = 64;  // 128 bytes: a row of the swizzled layout that WGMMA reads
constexpr int kGroupThreads = 128;
constexpr int kLeftBytes = kTileRows * kTileDepth * 2;
constexpr int kRightBytes = kTileColumns * kTileDepth * 2;
constexpr int kStageBytes = kLeftBytes + kRightBytes;
constexpr int kSums = kTileColumns / 2;  // of one thread

using Walker = TileWalker<kForward, kTileRows, kTileColumns>;

// Starts the copies of one step's operands to shared memory; `full` is passed once they are there. One
// thread. What lies outside of a matrix arrives as zeros; rows of another expert do no harm, for their
// results are dropped.
__device__ __forceinline__ void fetch_step(const TensorMap& x_map, const TensorMap& weights_map,
                                           const Walker& walker, const int out, const int step,
                                           const uint32 stage, const uint32 full) {
    barrier_expect(full, kStageBytes);
    copy_tile_in(stage, x_map, step * kTileDepth, walker.first_row + walker.tile_row * kTileRows, full);
    copy_tile_in(stage + kLeftBytes, weights_map, step * kTileDepth,
                 walker.expert * out + walker.tile_column * kTileColumns, full);
}

// Starts the products of one step: four instructions of depth 16. All threads of the warpgroup.
__device__ __forceinline__ void multiply_step(float (&sums)[kSums], const uint32 stage, const bool first) {
    products_fence();
#pragma unroll
    for (int k = 0; k < kTileDepth / 16; ++k) {
        const uint64 left = operand(stage + k * 32, 1024, kLeftBytes);
        const uint64 right = operand(stage + kLeftBytes + k * 32, 1024, kLeftBytes);
        multiply<false, false>(sums, left, right, first && k == 0 ? 0 : 1);
    }
    products_commit();
}

// Writes what the tile has of the expert's rows and columns, each thread its sums: see multiply() for which.
__device__ __forceinline__ void store_tile(const float (&sums)[kSums], const Walker& walker, const int thread,
                                           const int out, bf16* __restrict__ result) {
    const int first_row = walker.tile_row * kTileRows + thread / 32 * 16 + thread % 32 / 4;
    const int first_column = walker.tile_column * kTileColumns + thread % 4 * 2;
#pragma unroll
    for (int i = 0; i < kSums; ++i) {
        const int row = first_row + i / 2 % 2 * 8;
        const int column = first_column + i / 4 * 8 + i % 2;
        if (row < walker.rows && column < out) {
            result[(int64)(walker.first_row + row) * out + column] = to_bf16(sums[i]);
        }
    }
}
