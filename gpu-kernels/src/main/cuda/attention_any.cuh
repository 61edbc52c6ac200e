// attention_any.cuh: what the attention kernels for any type and head size share: a block of rows, a few per
// warp, against tiles of 32 rows of the other side, one per lane, all as fp32 in shared memory.
#pragma once

#include "attention.cuh"
#include "reduce.cuh"

constexpr int kAnyThreads = 128;
constexpr int kWarpRows = 2;
constexpr int kBlockRows = kAnyThreads / kWarpSize * kWarpRows;
constexpr int kTileRows = kWarpSize;
constexpr int kMaxHeadDim = 256;
constexpr int kLaneDims = kMaxHeadDim / kWarpSize;

// Elements from a row of a tile to the next: odd, so that the rows which a warp's lanes read lie in different
// banks.
__host__ __device__ constexpr int tile_pitch(const int head_dim) { return head_dim | 1; }

// Bytes of so many rows of heads of any size.
__host__ __device__ constexpr int row_bytes(const int rows) {
    return rows * tile_pitch(kMaxHeadDim) * (int)sizeof(float);
}

// Copies kRows rows of `from`, `stride` elements apart, to rows of `pitch`; rows from `valid_rows` on become
// zeros. All threads of the block must call it; a barrier must follow.
template <int kRows, typename Real>
__device__ __forceinline__ void copy_rows(float* to, const int pitch, const Real* __restrict__ from,
                                          const int64 stride, const int head_dim, const int valid_rows) {
    for (int index = threadIdx.x; index < kRows * head_dim; index += kAnyThreads) {
        const int row = index / head_dim;
        const int dim = index - row * head_dim;
        to[row * pitch + dim] = row < valid_rows ? to_float(from[row * stride + dim]) : 0.0f;
    }
}

__device__ __forceinline__ float dot(const float* left, const float* right, const int head_dim) {
    float sum = 0.0f;
    for (int dim = 0; dim < head_dim; ++dim) sum += left[dim] * right[dim];
    return sum;
}

// sum += the lanes' factors times the rows of a tile; a lane sums the dimensions lane, lane + 32, ...
__device__ __forceinline__ void add_scaled_rows(float (&sum)[kLaneDims], const float factor,
                                                const float* tile, const int pitch, const int head_dim) {
    const int lane = threadIdx.x % kWarpSize;
    for (int row = 0; row < kTileRows; ++row) {
        const float row_factor = __shfl_sync(kFullWarp, factor, row);
#pragma unroll
        for (int i = 0; i < kLaneDims; ++i) {
            const int dim = i * kWarpSize + lane;
            if (dim < head_dim) sum[i] += row_factor * tile[row * pitch + dim];
        }
    }
}

// Writes a row whose dimensions the lanes hold as in add_scaled_rows, times `factor`.
template <typename Real>
__device__ __forceinline__ void store_row(const float (&values)[kLaneDims], const float factor,
                                          Real* __restrict__ to, const int head_dim) {
    const int lane = threadIdx.x % kWarpSize;
#pragma unroll
    for (int i = 0; i < kLaneDims; ++i) {
        const int dim = i * kWarpSize + lane;
        if (dim < head_dim) to[dim] = from_float<Real>(values[i] * factor);
    }
}

__device__ __forceinline__ void clear_rows(float (&sum)[kWarpRows][kLaneDims]) {
#pragma unroll
    for (int row = 0; row < kWarpRows; ++row) {
#pragma unroll
        for (int i = 0; i < kLaneDims; ++i) sum[row][i] = 0.0f;
    }
}
