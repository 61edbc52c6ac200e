// grouped_gemm.cu: the three GEMMs of the experts of one rank, with the rows per expert on the device
// (docs/echo.md 4.3), on sm_80 and later. Rows of physical expert p follow those of p - 1; physical experts
// are the home experts, then the slots.
//
//   left          kForward [capacity, in], else [capacity, out]  Real   read
//   right_home    weights [local_experts, out, in]               Real   read
//                 kWeightGradient x [capacity, in]               Real   read
//   right_slots   weights [slots, out, in]                       Real   read; kWeightGradient: not used
//   result_home   kForward [capacity, out]                       Real   written
//                 kInputGradient [capacity, in]                  Real   written
//                 kWeightGradient [local_experts, out, in]       float  added to or written
//   result_slots  kWeightGradient [slots, out, in]               float  written; otherwise not used
//   row_counts    [physical_experts]                             i32    read, up to end_expert
//
// Weight gradients of the first added_experts experts (all home experts or none) are added to what is there;
// the others are written, zeros without rows. Writing moves 4 bytes per element, adding 8, and needs zeros
// before. Physical experts first_expert to end_expert - 1 are computed; results of the others are left alone,
// so that the home experts can be computed while the slots' weights are still on their way.
//
// grouped_gemm_mma: bf16 tensor cores, tiles of 128 x 128 x 64, three stages of asynchronous copies.
// kAligned: every address is a multiple of 16 bytes and out and in are multiples of 8; otherwise elements
// are fetched one by one, slow but right for any view. Bound: tensor cores when aligned.
// grouped_gemm_float: plain fp32, the check mode, tiles of 64 x 64 x 16. Bound: fp32 arithmetic.
//
// Launch: 1-D grid of any size, 256 threads; grouped_gemm_mma takes kMmaSharedBytes of dynamic shared memory.
// Deterministic: one block computes a result element, in ascending order of the sum. Rows beyond an expert's
// last are replaced by zeros before they reach a product, and never written.
#include "mma_sm80.cuh"
#include "mma_tiles.cuh"

constexpr int kThreads = 256;

// A row-major matrix [outer, inner] of which a tile is fetched; beyond its limits it reads as zero.
template <typename Real>
struct Source {
    const Real* base;
    int64 stride;  // elements from one outer index to the next
    int outer;
    int inner;
};

// The operands of the expert that the walker is at. Left is [rows, depth] or, for the weight gradient,
// [depth, rows]; right is [columns, depth] in the forward pass and [depth, columns] otherwise.
template <typename Real, int kPass, typename Walker>
__device__ __forceinline__ Source<Real> left_source(const Walker& walker, const Real* const left) {
    const int width = kPass == kForward ? walker.shape.in : walker.shape.out;
    return {left + (int64)walker.first_row * width, width, walker.rows, width};
}

template <typename Real, int kPass, typename Walker>
__device__ __forceinline__ Source<Real> right_source(const Walker& walker, const Real* const right_home,
                                                     const Real* const right_slots) {
    const int out = walker.shape.out;
    const int in = walker.shape.in;
    if (kPass == kWeightGradient) return {right_home + (int64)walker.first_row * in, in, walker.rows, in};
    const Real* const weights = walker.is_home() ? right_home : right_slots;
    return {weights + (int64)walker.local_index() * out * in, in, out, in};
}

template <typename Real, int kPass>
struct ResultType {
    using Type = Real;
};

template <typename Real>
struct ResultType<Real, kWeightGradient> {
    using Type = float;
};

// Where the expert's result starts, and whether it is added to.
template <typename Result, int kPass, typename Walker>
__device__ __forceinline__ Result* result_of(const Walker& walker, Result* const result_home,
                                             Result* const result_slots) {
    if (kPass == kWeightGradient) {
        Result* const gradients = walker.is_home() ? result_home : result_slots;
        return gradients + (int64)walker.local_index() * walker.shape.out * walker.shape.in;
    }
    return result_home + (int64)walker.first_row * walker.result_columns();
}

template <typename Result, int kPass>
__device__ __forceinline__ void put(Result* const at, const float value, const bool add) {
    if constexpr (kPass == kWeightGradient) {
        *at = add ? *at + value : value;
    } else {
        *at = from_float<Result>(value);
    }
}

// ---- bf16 on tensor cores

constexpr int kMmaTile = 128;
constexpr int kMmaDepth = 64;
constexpr int kMmaStages = 3;
constexpr int kOperandBytes = kMmaTile * kMmaDepth * 2;
constexpr int kMmaSharedBytes = kMmaStages * 2 * kOperandBytes;

// Byte of 16-byte chunk `chunk` of row `row` in a block of rows of 128 bytes; rotates the chunks by row so
// that eight rows of one chunk column lie in different banks.
__device__ __forceinline__ int swizzled(const int row, const int chunk) {
    return row * 128 + ((chunk ^ (row & 7)) << 4);
}

// Fetches a tile into shared memory. kDepthInner: outer is the 128 rows or columns of the tile and inner its
// depth of 64, stored as 128 rows of 128 bytes. Otherwise outer is the depth and inner the 128 rows or
// columns, stored as two blocks of 64 rows of 128 bytes.
template <bool kAligned, bool kDepthInner>
__device__ __forceinline__ void fetch(const uint32 to, const Source<bf16>& source, const int tile_start,
                                      const int depth_start) {
    constexpr int kChunks = kMmaTile * kMmaDepth / 8;
    constexpr int kChunksPerRow = kDepthInner ? kMmaDepth / 8 : kMmaTile / 8;
#pragma unroll
    for (int i = 0; i < kChunks / kThreads; ++i) {
        const int index = i * kThreads + (int)threadIdx.x;
        const int row = index / kChunksPerRow;
        const int chunk = index % kChunksPerRow;
        const int outer = (kDepthInner ? tile_start : depth_start) + row;
        const int inner = (kDepthInner ? depth_start : tile_start) + chunk * 8;
        const int block = kDepthInner ? 0 : chunk / 8 * (kMmaDepth * 128);
        const uint32 address = to + block + swizzled(row, chunk % 8);
        const bool inside = outer < source.outer && inner < source.inner;
        const bf16* const from = source.base + outer * source.stride + inner;
        if constexpr (kAligned) {
            copy_async_16(address, inside ? from : source.base, inside);
        } else {
            uint32 words[4];
#pragma unroll
            for (int word = 0; word < 4; ++word) {
                const int first = inner + 2 * word;
                const uint32 low = inside && first < source.inner ? from[2 * word].bits : 0;
                const uint32 high = inside && first + 1 < source.inner ? from[2 * word + 1].bits : 0;
                words[word] = low | (high << 16);
            }
            store_shared_16(address, words);
        }
    }
}

template <int kPass, bool kAligned>
__global__ void __launch_bounds__(kThreads, 1)
    grouped_gemm_mma(const bf16* __restrict__ const left, const bf16* __restrict__ const right_home,
                     const bf16* __restrict__ const right_slots,
                     typename ResultType<bf16, kPass>::Type* __restrict__ const result_home,
                     typename ResultType<bf16, kPass>::Type* __restrict__ const result_slots,
                     const int* __restrict__ const row_counts, const int local_experts,
                     const int added_experts, const int first_expert, const int end_expert,
                     const int capacity, const int out, const int in) {
    using Result = typename ResultType<bf16, kPass>::Type;
    constexpr bool kLeftDepthInner = kPass != kWeightGradient;
    constexpr bool kRightDepthInner = kPass == kForward;
    extern __shared__ __align__(1024) unsigned char shared[];
    const uint32 stages = shared_address(shared);
    const int lane = threadIdx.x % 32;
    const int warp_row = threadIdx.x / 32 % 2 * 64;  // of the tile; a warp computes 64 x 32
    const int warp_column = threadIdx.x / 64 * 32;

    TileWalker<kPass, kMmaTile, kMmaTile> walker(
        row_counts, GroupedShape{local_experts, added_experts, first_expert, end_expert, capacity, out, in});
    for (int tile = blockIdx.x; walker.seek(tile); tile += gridDim.x) {
        const Source<bf16> left_part = left_source<bf16, kPass>(walker, left);
        const Source<bf16> right_part = right_source<bf16, kPass>(walker, right_home, right_slots);
        const int row_start = walker.tile_row * kMmaTile;
        const int column_start = walker.tile_column * kMmaTile;
        const int steps = (walker.depth() + kMmaDepth - 1) / kMmaDepth;

        const auto fetch_step = [&](const int step) {
            if (step < steps) {
                const uint32 stage = stages + step % kMmaStages * (2 * kOperandBytes);
                fetch<kAligned, kLeftDepthInner>(stage, left_part, row_start, step * kMmaDepth);
                fetch<kAligned, kRightDepthInner>(stage + kOperandBytes, right_part, column_start,
                                                  step * kMmaDepth);
            }
            commit_copies();
        };

        float sums[4][4][4] = {};
        __syncthreads();  // the last tile's products may still be reading
#pragma unroll
        for (int step = 0; step < kMmaStages - 1; ++step) fetch_step(step);
        for (int step = 0; step < steps; ++step) {
            wait_copies<kMmaStages - 2>();
            __syncthreads();
            fetch_step(step + kMmaStages - 1);  // into the stage that the previous step has read
            const uint32 left_stage = stages + step % kMmaStages * (2 * kOperandBytes);
            const uint32 right_stage = left_stage + kOperandBytes;
#pragma unroll
            for (int depth = 0; depth < kMmaDepth; depth += 16) {
                uint32 left_words[4][4];
#pragma unroll
                for (int block = 0; block < 4; ++block) {
                    const int row = warp_row + block * 16;
                    if constexpr (kLeftDepthInner) {
                        load_matrices(left_words[block],
                                      left_stage + swizzled(row + lane % 16, depth / 8 + lane / 16));
                    } else {
                        const int depth_row = depth + lane / 16 * 8 + lane % 8;
                        const int chunk = row / 8 + lane / 8 % 2;
                        load_matrices_transposed(
                            left_words[block],
                            left_stage + chunk / 8 * (kMmaDepth * 128) + swizzled(depth_row, chunk % 8));
                    }
                }
                uint32 right_words[2][4];
#pragma unroll
                for (int pair = 0; pair < 2; ++pair) {
                    const int column = warp_column + pair * 16;
                    if constexpr (kRightDepthInner) {
                        load_matrices(right_words[pair],
                                      right_stage + swizzled(column + lane / 16 * 8 + lane % 8,
                                                             depth / 8 + lane / 8 % 2));
                    } else {
                        const int depth_row = depth + lane / 8 % 2 * 8 + lane % 8;
                        const int chunk = column / 8 + lane / 16;
                        load_matrices_transposed(
                            right_words[pair],
                            right_stage + chunk / 8 * (kMmaDepth * 128) + swizzled(depth_row, chunk % 8));
                    }
                }
#pragma unroll
                for (int block = 0; block < 4; ++block) {
#pragma unroll
                    for (int column = 0; column < 4; ++column) {
                        multiply_16x8x16(sums[block][column], left_words[block],
                                         right_words[column / 2][column % 2 * 2],
                                         right_words[column / 2][column % 2 * 2 + 1]);
                    }
                }
            }
        }
        wait_copies<0>();

        Result* const result = result_of<Result, kPass>(walker, result_home, result_slots);
        const int columns = walker.result_columns();
        const int rows = walker.result_rows();
        const bool add = walker.adds();
#pragma unroll
        for (int block = 0; block < 4; ++block) {
#pragma unroll
            for (int half = 0; half < 2; ++half) {
                const int row = row_start + warp_row + block * 16 + half * 8 + lane / 4;
                if (row >= rows) continue;
                Result* const result_row = result + (int64)row * columns;
#pragma unroll
                for (int group = 0; group < 4; ++group) {
                    const int column = column_start + warp_column + group * 8 + lane % 4 * 2;
                    const float first = sums[block][group][half * 2];
                    const float second = sums[block][group][half * 2 + 1];
                    if constexpr (kAligned && kPass != kWeightGradient) {
                        if (column < columns) {
                            *reinterpret_cast<uint32*>(result_row + column) = to_bf16x2(first, second);
                        }
                    } else if constexpr (kAligned) {
                        if (column < columns) {
                            float2* const pair = reinterpret_cast<float2*>(result_row + column);
                            const float2 old = add ? *pair : make_float2(0.0f, 0.0f);
                            *pair = make_float2(old.x + first, old.y + second);
                        }
                    } else {
                        if (column < columns) put<Result, kPass>(result_row + column, first, add);
                        if (column + 1 < columns) put<Result, kPass>(result_row + column + 1, second, add);
                    }
                }
            }
        }
    }
}

// ---- fp32

constexpr int kFloatTile = 64;
constexpr int kFloatDepth = 16;

// Fetches a tile as [depth][row or column] into shared memory.
template <bool kDepthInner>
__device__ __forceinline__ void fetch_floats(float (&to)[kFloatDepth][kFloatTile + 4],
                                             const Source<float>& source, const int tile_start,
                                             const int depth_start) {
#pragma unroll
    for (int i = 0; i < kFloatDepth * kFloatTile / kThreads; ++i) {
        const int index = i * kThreads + (int)threadIdx.x;
        const int place = kDepthInner ? index / kFloatDepth : index % kFloatTile;
        const int depth = kDepthInner ? index % kFloatDepth : index / kFloatTile;
        const int outer = kDepthInner ? tile_start + place : depth_start + depth;
        const int inner = kDepthInner ? depth_start + depth : tile_start + place;
        const bool inside = outer < source.outer && inner < source.inner;
        to[depth][place] = inside ? source.base[outer * source.stride + inner] : 0.0f;
    }
}

template <int kPass>
__global__ void __launch_bounds__(kThreads)
    grouped_gemm_float(const float* __restrict__ const left, const float* __restrict__ const right_home,
                       const float* __restrict__ const right_slots, float* __restrict__ const result_home,
                       float* __restrict__ const result_slots, const int* __restrict__ const row_counts,
                       const int local_experts, const int added_experts, const int first_expert,
                       const int end_expert, const int capacity, const int out, const int in) {
    __shared__ __align__(16) float left_tile[kFloatDepth][kFloatTile + 4];
    __shared__ __align__(16) float right_tile[kFloatDepth][kFloatTile + 4];
    const int thread_row = threadIdx.x / 16 * 4;  // of the tile; a thread computes 4 x 4
    const int thread_column = threadIdx.x % 16 * 4;

    TileWalker<kPass, kFloatTile, kFloatTile> walker(
        row_counts, GroupedShape{local_experts, added_experts, first_expert, end_expert, capacity, out, in});
    for (int tile = blockIdx.x; walker.seek(tile); tile += gridDim.x) {
        const Source<float> left_part = left_source<float, kPass>(walker, left);
        const Source<float> right_part = right_source<float, kPass>(walker, right_home, right_slots);
        const int row_start = walker.tile_row * kFloatTile;
        const int column_start = walker.tile_column * kFloatTile;
        float sums[4][4] = {};
        for (int start = 0; start < walker.depth(); start += kFloatDepth) {
            __syncthreads();  // the last step may still be reading
            fetch_floats<kPass != kWeightGradient>(left_tile, left_part, row_start, start);
            fetch_floats<kPass == kForward>(right_tile, right_part, column_start, start);
            __syncthreads();
#pragma unroll
            for (int depth = 0; depth < kFloatDepth; ++depth) {
                const float4 rows = *reinterpret_cast<const float4*>(&left_tile[depth][thread_row]);
                const float4 columns = *reinterpret_cast<const float4*>(&right_tile[depth][thread_column]);
                const float row_values[4] = {rows.x, rows.y, rows.z, rows.w};
                const float column_values[4] = {columns.x, columns.y, columns.z, columns.w};
#pragma unroll
                for (int row = 0; row < 4; ++row) {
#pragma unroll
                    for (int column = 0; column < 4; ++column) {
                        sums[row][column] += row_values[row] * column_values[column];
                    }
                }
            }
        }
        float* const result = result_of<float, kPass>(walker, result_home, result_slots);
        const int columns = walker.result_columns();
#pragma unroll
        for (int row = 0; row < 4; ++row) {
#pragma unroll
            for (int column = 0; column < 4; ++column) {
                const int result_row = row_start + thread_row + row;
                const int result_column = column_start + thread_column + column;
                if (result_row < walker.result_rows() && result_column < columns) {
                    put<float, kPass>(result + (int64)result_row * columns + result_column, sums[row][column],
                                      walker.adds());
                }
            }
        }
    }
}
