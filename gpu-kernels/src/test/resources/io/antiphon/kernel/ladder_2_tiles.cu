// ladder_2_tiles.cu: second step of docs/grouped-gemm.md: a block computes a tile of one expert's rows, and
// reads each factor once for all of them, through shared memory.
//
//   x, weights, row_counts, result  as in ladder_1_naive.cu
//
// Launch: blocks of kTileThreads; ceil(out / kTile) by as many tiles of rows as there can be: every expert
// may end with a part of a tile, so ceil(capacity / kTile) + experts. Blocks without a tile return at once.
// Bound: the multipliers of the ordinary cores, long before memory. Deterministic: a thread sums an element
// in ascending order.
#include "types.cuh"

constexpr int kTile = 64;
constexpr int kDepth = 16;
constexpr int kTileThreads = 256;
constexpr int kEach = 4;  // a thread has 4 x 4 elements of the tile

// A tile of rows: those of one expert, from `first` on.
struct RowTile {
    int expert;
    int first;
    int rows;  // at most kTile; 0 if there is no such tile
};

// Tile `index` of the list of all experts' tiles; rows at or beyond `capacity` do not exist.
__device__ __forceinline__ RowTile row_tile(const int index, const int* __restrict__ row_counts,
                                            const int experts, const int capacity) {
    int first_row = 0;
    int first_tile = 0;
    for (int expert = 0; expert < experts; ++expert) {
        const int rows = min(row_counts[expert], capacity - first_row);
        const int tiles = (rows + kTile - 1) / kTile;
        if (index < first_tile + tiles) {
            const int inside = (index - first_tile) * kTile;
            return {expert, first_row + inside, min(kTile, rows - inside)};
        }
        first_row += rows;
        first_tile += tiles;
    }
    return {0, 0, 0};
}

// Copies columns [depth, depth + kDepth) of `rows` rows of a matrix [.., in] to to[column][row]; zeros
// elsewhere.
__device__ __forceinline__ void load_tile(float (&to)[kDepth][kTile + 1], const bf16* __restrict__ from,
                                          const int rows, const int depth, const int in) {
    for (int i = threadIdx.x; i < kTile * kDepth; i += kTileThreads) {
        const int row = i / kDepth;
        const int column = i % kDepth;
        const bool inside = row < rows && depth + column < in;
        to[column][row] = inside ? to_float(from[(int64)row * in + depth + column]) : 0.0f;
    }
}

__global__ void __launch_bounds__(kTileThreads)
    ladder_tiles(const bf16* __restrict__ x, const bf16* __restrict__ weights,
                 const int* __restrict__ row_counts, const int experts, const int capacity, const int out,
                 const int in, bf16* __restrict__ result) {
    __shared__ float left[kDepth][kTile + 1];  // one more, so that a column's elements lie in different banks
    __shared__ float right[kDepth][kTile + 1];
    const RowTile tile = row_tile((int)blockIdx.y, row_counts, experts, capacity);
    if (tile.rows == 0) return;
    const int first_column = (int)blockIdx.x * kTile;
    const bf16* const x_rows = x + (int64)tile.first * in;
    const bf16* const weight_rows = weights + ((int64)tile.expert * out + first_column) * in;
    const int thread_row = (int)threadIdx.x / (kTile / kEach) * kEach;
    const int thread_column = (int)threadIdx.x % (kTile / kEach) * kEach;
    float sums[kEach][kEach] = {};
    for (int depth = 0; depth < in; depth += kDepth) {
        load_tile(left, x_rows, tile.rows, depth, in);
        load_tile(right, weight_rows, out - first_column, depth, in);
        __syncthreads();
#pragma unroll
        for (int k = 0; k < kDepth; ++k) {
#pragma unroll
            for (int i = 0; i < kEach; ++i) {
#pragma unroll
                for (int j = 0; j < kEach; ++j)
                    sums[i][j] += left[k][thread_row + i] * right[k][thread_column + j];
            }
        }
        __syncthreads();  // nobody reads the tiles any more
    }
#pragma unroll
    for (int i = 0; i < kEach; ++i) {
#pragma unroll
        for (int j = 0; j < kEach; ++j) {
            const int row = thread_row + i;
            const int column = first_column + thread_column + j;
            if (row < tile.rows && column < out) {
                result[(int64)(tile.first + row) * out + column] = to_bf16(sums[i][j]);
            }
        }
    }
}
