// attention_bf16.cuh: what the tensor-core attention kernels share: tile sizes, and the hiding of scores.
#pragma once

#include "attention.cuh"
#include "attention_mma.cuh"

constexpr int kAttentionThreads = 128;
constexpr int kAttentionWarps = kAttentionThreads / 32;

// Tiles of the forward. A warp has 32 queries, so that what it reads of a tile of keys serves two products.
template <int kHeadDim>
struct ForwardTiles {
    static constexpr int kPieces = 2;
    static constexpr int kWarpQueries = kPieces * kPieceRows;
    static constexpr int kQueries = kAttentionWarps * kWarpQueries;
    static constexpr int kKeys = 64;
    static constexpr int kBlocksPerMultiprocessor = 2;
    static constexpr int kSharedBytes = tile_bytes<kHeadDim>(kQueries + 2 * kKeys);
};

// Tiles of the gradient of queries.
template <int kHeadDim>
struct QueryGradientTiles {
    static constexpr int kPieces = 2;
    static constexpr int kWarpQueries = kPieces * kPieceRows;
    static constexpr int kQueries = kAttentionWarps * kWarpQueries;
    static constexpr int kKeys = kHeadDim <= 64 ? 64 : 32;
    static constexpr int kStages = 2;
    static constexpr int kBlocksPerMultiprocessor = 2;
    static constexpr int kSharedBytes = tile_bytes<kHeadDim>(2 * kQueries + 2 * kStages * kKeys);
};

// Tiles of the gradients of keys and values. Of large heads, the gradients of more than 16 keys do not fit
// the registers of a warp.
template <int kHeadDim>
struct KeyGradientTiles {
    static constexpr int kPieces = kHeadDim <= 64 ? 2 : 1;
    static constexpr int kWarpKeys = kPieces * kPieceRows;
    static constexpr int kKeys = kAttentionWarps * kWarpKeys;
    static constexpr int kQueries = kHeadDim <= 64 ? 32 : 64;
    static constexpr int kStages = 2;
    static constexpr int kBlocksPerMultiprocessor = 2;
    static constexpr int kStageBytes =
        tile_bytes<kHeadDim>(2 * kQueries) + kQueries * (int)(sizeof(float2) + sizeof(int));
    static constexpr int kSharedBytes = tile_bytes<kHeadDim>(2 * kKeys) + kStages * kStageBytes;
};

// Makes the scores that queries from `first_query` on have for keys they do not see, from `first_key` on,
// minus infinity. Queries at or beyond `sequence_length` see something, but nothing of them is stored.
template <int kPieces, int kColumnPieces>
__device__ __forceinline__ void hide_keys(float (&scores)[kPieces][kColumnPieces][4],
                                          const int* __restrict__ starts, const int first_query,
                                          const int sequence_length, const int first_key) {
    const int lane = threadIdx.x % 32;
#pragma unroll
    for (int piece = 0; piece < kPieces; ++piece) {
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            const int query = first_query + piece * kPieceRows + half * 8 + lane / 4;
            const int start = starts[min(query, sequence_length - 1)];
#pragma unroll
            for (int column = 0; column < kColumnPieces; ++column) {
#pragma unroll
                for (int i = 0; i < 2; ++i) {
                    const int key = first_key + column * kPieceColumns + lane % 4 * 2 + i;
                    if (!sees(key, start, query - start)) {
                        scores[piece][column][2 * half + i] = negative_infinity();
                    }
                }
            }
        }
    }
}

// The queries of a warp as a range, and which keys all or none of them see.
struct WarpQueries {
    int first;
    int last;
    int first_start;
    int last_start;

    __device__ __forceinline__ WarpQueries(const int* __restrict__ starts, const int first_query,
                                           const int queries, const int sequence_length) {
        first = first_query;
        last = min(first_query + queries, sequence_length) - 1;
        // In a warp beyond the sequence `last` is before `first`: it sees nothing.
        first_start = first <= last ? starts[first] : 0;
        last_start = first <= last ? starts[last] : 0;
    }

    // Whether any query sees any of the keys.
    __device__ __forceinline__ bool see(const int first_key, const int keys) const {
        return first <= last && first_key <= last && first_key + keys > first_start;
    }

    // Whether every query sees every one of the keys.
    __device__ __forceinline__ bool see_all(const int first_key, const int keys) const {
        return first_key + keys - 1 <= first && first_key >= last_start;
    }
};
