// mma_tiles.cuh: the tiles of a grouped GEMM, found on the device from the row counts of the physical
// experts.
//
// A persistent block walks tiles blockIdx.x, blockIdx.x + gridDim.x, ... of one list: experts in ascending
// order, and inside an expert a raster that keeps the concurrent tiles of all blocks about square, so that
// they share operands in L2. A walker only moves forward and reads each count once.
#pragma once

#include "types.cuh"

// What a grouped GEMM computes. Row r of `rows` belongs to one physical expert p with weights W_p [out, in].
enum GemmPass {
    kForward,        // result [rows, out] = left [rows, in] W_p^T
    kInputGradient,  // result [rows, in] = left [rows, out] W_p
    // result_p [out, in] = left^T right over the rows of p; left [rows, out], right [rows, in]
    kWeightGradient
};

// Sizes of one grouped GEMM; the same for every block.
struct GroupedShape {
    int local_experts;  // home experts; the physical experts after them are slots
    int added_experts;  // so many first home experts' weight gradients are added to, the others' written
    int first_expert;   // first physical expert to compute; the rows of those before it are passed over
    int end_expert;     // one past the last physical expert to compute
    int capacity;       // rows that the row tensors hold; rows at or beyond it do not exist
    int out;
    int in;
};

constexpr int kRasterRows = 16;  // at most so many tiles of one column follow each other

template <int kPass, int kTileM, int kTileN>
struct TileWalker {
    const int* row_counts;
    GroupedShape shape;
    int expert = -1;
    int first_row = 0;   // of the expert
    int rows = 0;        // of the expert
    int first_tile = 0;  // of the expert
    int tiles = 0;       // of the expert
    int tile_row = 0;    // of the current tile, in tiles
    int tile_column = 0;

    __device__ __forceinline__ TileWalker(const int* counts, const GroupedShape& sizes)
        : row_counts(counts), shape(sizes) {
        while (expert + 1 < sizes.first_expert) next_expert();
    }

    // Rows of the expert's result (of the row tensor, or of one weight gradient).
    __device__ __forceinline__ int result_rows() const { return kPass == kWeightGradient ? shape.out : rows; }

    __device__ __forceinline__ int result_columns() const { return kPass == kForward ? shape.out : shape.in; }

    // Length of the sums.
    __device__ __forceinline__ int depth() const {
        return kPass == kForward ? shape.in : (kPass == kInputGradient ? shape.out : rows);
    }

    __device__ __forceinline__ bool is_home() const { return expert < shape.local_experts; }

    // Whether the expert's weight gradient is added to what is there.
    __device__ __forceinline__ bool adds() const {
        return kPass == kWeightGradient && expert < shape.added_experts;
    }

    // Index among the home experts or among the slots.
    __device__ __forceinline__ int local_index() const {
        return is_home() ? expert : expert - shape.local_experts;
    }

    // Moves to the next expert, whose tiles are not counted yet.
    __device__ __forceinline__ void next_expert() {
        ++expert;
        first_row += rows;
        // Counts may ask for more rows than there are (the step is then void): clip, never run over.
        const int count = row_counts[expert];
        const int left = shape.capacity - first_row;
        rows = count < 0 ? 0 : (count < left ? count : left);
    }

    // Moves to `tile`, which never is before the current one; false beyond the last.
    __device__ __forceinline__ bool seek(const int tile) {
        const int column_tiles = (result_columns() + kTileN - 1) / kTileN;
        while (tile >= first_tile + tiles) {
            if (expert + 1 >= shape.end_expert) return false;
            first_tile += tiles;
            next_expert();
            // Without rows, a gradient that is added to stays as it is; one that is written must become zero.
            tiles = rows == 0 && adds() ? 0 : (result_rows() + kTileM - 1) / kTileM * column_tiles;
        }
        const int row_tiles = (result_rows() + kTileM - 1) / kTileM;
        // Bands of equal height: a thin last band would read the weights again for little.
        const int bands = (row_tiles + kRasterRows - 1) / kRasterRows;
        const int height = (row_tiles + bands - 1) / bands;
        const int inside = tile - first_tile;
        const int band = inside / (height * column_tiles);
        const int in_band = inside - band * (height * column_tiles);
        const int left_rows = row_tiles - band * height;
        const int band_rows = left_rows < height ? left_rows : height;
        tile_column = in_band / band_rows;
        tile_row = band * height + in_band - tile_column * band_rows;
        return true;
    }
};
