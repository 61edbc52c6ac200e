// attention_mma.cuh: tensor-core building blocks of attention_bf16.cu (sm_80 and later): tiles of bf16 rows
// in swizzled shared memory (aligned to 128 bytes), filled by cp.async, read by ldmatrix, multiplied by
// mma.m16n8k16 with fp32 sums.
//
// A tile holds rows of kHeadDim elements. Its 16-byte chunks are permuted inside each row so that the eight
// rows which one ldmatrix reads lie in different banks.
//
// Accumulators follow the layout of the instruction: of a 16 x 8 piece, a lane holds rows lane / 4 and
// lane / 4 + 8, columns 2 * (lane % 4) and the next one, in the order (row, column), (row, column + 1),
// (row + 8, column), (row + 8, column + 1).
#pragma once

#include "types.cuh"

constexpr int kChunkElements = 8;
constexpr int kChunkBytes = 16;
constexpr int kPieceRows = 16;
constexpr int kPieceColumns = 8;
constexpr int kPieceDepth = 16;

// ---- instructions

__device__ __forceinline__ uint32 shared_address(const void* pointer) {
    return (uint32)__cvta_generic_to_shared(pointer);
}

// Starts a copy of 16 bytes to shared memory; zeros instead of `from` where not `valid`.
__device__ __forceinline__ void copy_async_16(const uint32 to, const void* from, const bool valid) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(valid ? 16 : 0)
                 : "memory");
}

// Starts a copy of 4 or 8 bytes in this way.
template <int kBytes>
__device__ __forceinline__ void copy_async(const uint32 to, const void* from, const bool valid) {
    static_assert(kBytes == 4 || kBytes == 8, "larger copies pass by the first-level cache");
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(to), "l"(from), "n"(kBytes),
                 "r"(valid ? kBytes : 0)
                 : "memory");
}

__device__ __forceinline__ void copies_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }

// Waits until at most kPending of the thread's committed groups are still under way.
template <int kPending>
__device__ __forceinline__ void copies_wait() {
    asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
}

__device__ __forceinline__ void load_matrices(uint32 (&words)[4], const uint32 address) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
                 : "r"(address)
                 : "memory");
}

__device__ __forceinline__ void load_matrices_transposed(uint32 (&words)[4], const uint32 address) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
                 : "r"(address)
                 : "memory");
}

// sum += a b of 16 x 16 and 16 x 8.
__device__ __forceinline__ void multiply_add(float (&sum)[4], const uint32 (&a)[4], const uint32 b_low,
                                             const uint32 b_high) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b_low), "r"(b_high));
}

// 2^x, of about fp32 precision; denormal results become zero.
__device__ __forceinline__ float fast_exp2(const float exponent) {
    float power;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(power) : "f"(exponent));
    return power;
}

// ---- tiles

// Chunks among which a row's chunks are permuted: rows of a multiple of 128 bytes start in the same bank,
// others two by two.
template <int kHeadDim>
__device__ constexpr int swizzled_chunks() {
    static_assert(kHeadDim % (4 * kChunkElements) == 0, "a row has whole groups of four or eight chunks");
    return kHeadDim % (8 * kChunkElements) == 0 ? 8 : 4;
}

// Byte offset of a chunk of a row in a tile.
template <int kHeadDim>
__device__ __forceinline__ uint32 tile_offset(const int row, const int chunk) {
    constexpr int kChunks = kHeadDim / kChunkElements;
    const int permutation = swizzled_chunks<kHeadDim>() == 8 ? row % 8 : row / 2 % 4;
    return (row * kChunks + (chunk ^ permutation)) * kChunkBytes;
}

// Address of the chunk `chunks`, an even number known when compiling, after one of the first two of a row.
template <int kHeadDim>
__device__ __forceinline__ uint32 chunks_after(const uint32 address, const int chunks) {
    constexpr int kSwizzled = swizzled_chunks<kHeadDim>();
    return (address ^ (chunks % kSwizzled * kChunkBytes)) + chunks / kSwizzled * kSwizzled * kChunkBytes;
}

template <int kHeadDim>
__host__ __device__ constexpr int tile_bytes(const int rows) {
    return rows * kHeadDim * (int)sizeof(bf16);
}

// Starts the copy of kRows rows of `from`, `stride` elements apart, to a tile; rows from `valid_rows` on
// become zeros.
template <int kRows, int kHeadDim, int kThreads>
__device__ __forceinline__ void load_tile(const uint32 tile, const bf16* __restrict__ from, const int stride,
                                          const int valid_rows) {
    constexpr int kChunks = kHeadDim / kChunkElements;
    constexpr int kCopies = kRows * kChunks / kThreads;
    static_assert(kRows * kChunks % kThreads == 0, "every thread copies the same number of chunks");
    constexpr int kStepRows = kThreads / kChunks;
    if constexpr (kThreads % kChunks == 0 && kStepRows % 8 == 0) {
        // The thread's chunks lie below one another, also after the permutation.
        const int first_row = (int)threadIdx.x / kChunks;
        const int chunk = (int)threadIdx.x % kChunks;
        const uint32 to = tile + tile_offset<kHeadDim>(first_row, chunk);
        const bf16* source = from + (int64)first_row * stride + chunk * kChunkElements;
#pragma unroll
        for (int i = 0; i < kCopies; ++i) {
            copy_async_16(to + tile_bytes<kHeadDim>(i * kStepRows), source,
                          first_row + i * kStepRows < valid_rows);
            source += (int64)kStepRows * stride;
        }
    } else {
#pragma unroll
        for (int i = 0; i < kCopies; ++i) {
            const int index = i * kThreads + (int)threadIdx.x;
            const int row = index / kChunks;
            const int chunk = index % kChunks;
            copy_async_16(tile + tile_offset<kHeadDim>(row, chunk),
                          from + (int64)row * stride + chunk * kChunkElements, row < valid_rows);
        }
    }
}

// sum += A B^T, with kPieces * 16 rows of A from `a_row` of its tile on, and all kColumns rows of B.
template <int kPieces, int kColumns, int kHeadDim>
__device__ __forceinline__ void multiply_tiles(float (&sum)[kPieces][kColumns / kPieceColumns][4],
                                               const uint32 a_tile, const int a_row, const uint32 b_tile) {
    static_assert(kColumns % (2 * kPieceColumns) == 0, "one load gives two pieces of columns");
    const int lane = threadIdx.x % 32;
    const uint32 a_first = a_tile + tile_offset<kHeadDim>(a_row + lane % 16, lane / 16);
    const uint32 b_first = b_tile + tile_offset<kHeadDim>(lane / 16 * 8 + lane % 8, lane / 8 % 2);
#pragma unroll
    for (int step = 0; step < kHeadDim / kPieceDepth; ++step) {
        uint32 a[kPieces][4];
        const uint32 a_at = chunks_after<kHeadDim>(a_first, 2 * step);
        const uint32 b_at = chunks_after<kHeadDim>(b_first, 2 * step);
#pragma unroll
        for (int piece = 0; piece < kPieces; ++piece) {
            load_matrices(a[piece], a_at + tile_bytes<kHeadDim>(piece * kPieceRows));
        }
#pragma unroll
        for (int pair = 0; pair < kColumns / (2 * kPieceColumns); ++pair) {
            uint32 b[4];
            load_matrices(b, b_at + tile_bytes<kHeadDim>(pair * 2 * kPieceColumns));
#pragma unroll
            for (int piece = 0; piece < kPieces; ++piece) {
                multiply_add(sum[piece][2 * pair], a[piece], b[0], b[1]);
                multiply_add(sum[piece][2 * pair + 1], a[piece], b[2], b[3]);
            }
        }
    }
}

// sum += A B, with A in registers, rounded to bf16, and the kDepth rows of B in a tile.
template <int kPieces, int kDepth, int kHeadDim>
__device__ __forceinline__ void multiply_registers(float (&sum)[kPieces][kHeadDim / kPieceColumns][4],
                                                   const uint32 (&a)[kPieces][kDepth / kPieceDepth][4],
                                                   const uint32 b_tile) {
    const int lane = threadIdx.x % 32;
    const uint32 b_first = b_tile + tile_offset<kHeadDim>(lane % 16, lane / 16);
#pragma unroll
    for (int step = 0; step < kDepth / kPieceDepth; ++step) {
#pragma unroll
        for (int pair = 0; pair < kHeadDim / (2 * kPieceColumns); ++pair) {
            uint32 b[4];
            load_matrices_transposed(
                b, chunks_after<kHeadDim>(b_first, 2 * pair) + tile_bytes<kHeadDim>(step * kPieceDepth));
#pragma unroll
            for (int piece = 0; piece < kPieces; ++piece) {
                multiply_add(sum[piece][2 * pair], a[piece][step], b[0], b[1]);
                multiply_add(sum[piece][2 * pair + 1], a[piece][step], b[2], b[3]);
            }
        }
    }
}

// Rounds accumulators of kColumns columns to the left operand of a product over these columns.
template <int kPieces, int kColumns>
__device__ __forceinline__ void round_to_operand(const float (&values)[kPieces][kColumns / kPieceColumns][4],
                                                 uint32 (&operand)[kPieces][kColumns / kPieceDepth][4]) {
#pragma unroll
    for (int piece = 0; piece < kPieces; ++piece) {
#pragma unroll
        for (int step = 0; step < kColumns / kPieceDepth; ++step) {
#pragma unroll
            for (int half = 0; half < 2; ++half) {
                const float (&part)[4] = values[piece][2 * step + half];
                operand[piece][step][2 * half] = to_bf16x2(part[0], part[1]);
                operand[piece][step][2 * half + 1] = to_bf16x2(part[2], part[3]);
            }
        }
    }
}

template <int kPieces, int kColumnPieces>
__device__ __forceinline__ void clear(float (&sum)[kPieces][kColumnPieces][4]) {
#pragma unroll
    for (int piece = 0; piece < kPieces; ++piece) {
#pragma unroll
        for (int column = 0; column < kColumnPieces; ++column) {
#pragma unroll
            for (int i = 0; i < 4; ++i) sum[piece][column][i] = 0.0f;
        }
    }
}

// Writes a warp's rows, times a factor for each of the lane's rows, to `to` in global memory, by way of rows
// [row, row + kPieces * 16) of a tile that no other warp uses any more.
template <int kPieces, int kHeadDim>
__device__ __forceinline__ void store_rows(const float (&values)[kPieces][kHeadDim / kPieceColumns][4],
                                           const float (&factors)[kPieces][2], char* const tile,
                                           const int row, bf16* __restrict__ to, const int stride,
                                           const int valid_rows) {
    constexpr int kChunks = kHeadDim / kChunkElements;
    const int lane = threadIdx.x % 32;
    __syncwarp();
#pragma unroll
    for (int piece = 0; piece < kPieces; ++piece) {
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            const int at = row + piece * kPieceRows + half * 8 + lane / 4;
            const float factor = factors[piece][half];
#pragma unroll
            for (int chunk = 0; chunk < kChunks; ++chunk) {
                const float (&part)[4] = values[piece][chunk];
                *(uint32*)(tile + tile_offset<kHeadDim>(at, chunk) + lane % 4 * sizeof(uint32)) =
                    to_bf16x2(part[2 * half] * factor, part[2 * half + 1] * factor);
            }
        }
    }
    __syncwarp();
#pragma unroll
    for (int i = 0; i < kPieces * kPieceRows * kChunks / 32; ++i) {
        const int index = i * 32 + lane;
        const int at = index / kChunks;
        const int chunk = index % kChunks;
        if (at < valid_rows) {
            const uint4 words = *(const uint4*)(tile + tile_offset<kHeadDim>(row + at, chunk));
            *(uint4*)(to + (int64)at * stride + chunk * kChunkElements) = words;
        }
    }
}
