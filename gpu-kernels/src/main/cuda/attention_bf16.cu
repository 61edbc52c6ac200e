// attention_bf16.cu: causal grouped-query attention inside documents, forward, on tensor cores.
//
//   q                [tokens, heads, kHeadDim]            bf16  read; rows 16-byte aligned, as k, v and out
//   k, v             [tokens, key_value_heads, kHeadDim]  bf16  read
//   document_starts  [tokens]                             i32   read; see attention.cuh
//   out              [tokens, heads, kHeadDim]            bf16  written
//   log_sum_exp      [tokens, heads]                      f32   written: logarithm of the sum of exp(score)
//
// tokens = sequences * sequence_length; scores are q . k * scale. A block has
// ForwardTiles<kHeadDim>::kQueries queries of one head, goes over their tiles of keys once and keeps the
// running maximum and sum of each query (Dao, FlashAttention-2, 2023): scores exist in registers only. Values
// are copied while the tile's scores are computed, the next keys while they are weighed.
//
// Launch: sequences * heads * ceil(sequence_length / kQueries) blocks of kAttentionThreads threads,
// ForwardTiles<kHeadDim>::kSharedBytes of dynamic shared memory. Bound: tensor cores, 4 * kHeadDim operations
// per visible pair and head. Deterministic: a query's keys are taken in order by one block.
#include "attention_bf16.cuh"

template <int kHeadDim>
__global__ void __launch_bounds__(kAttentionThreads, ForwardTiles<kHeadDim>::kBlocksPerMultiprocessor)
    attention_bf16(const bf16* __restrict__ q, const bf16* __restrict__ k, const bf16* __restrict__ v,
                   const int* __restrict__ document_starts, const int sequences, const int sequence_length,
                   const int heads, const int key_value_heads, const float scale, bf16* __restrict__ out,
                   float* __restrict__ log_sum_exp) {
    using Tiles = ForwardTiles<kHeadDim>;
    constexpr int kPieces = Tiles::kPieces;
    constexpr int kKeys = Tiles::kKeys;
    extern __shared__ __align__(1024) char shared[];
    char* const query_rows = shared;
    const uint32 query_tile = shared_address(query_rows);
    const uint32 key_tile = query_tile + tile_bytes<kHeadDim>(Tiles::kQueries);
    const uint32 value_tile = key_tile + tile_bytes<kHeadDim>(kKeys);

    const AttentionBlock block(blockIdx.x, heads, sequences, sequence_length, Tiles::kQueries, true);
    const int64 token = (int64)block.sequence * sequence_length;
    const int* const starts = document_starts + token;
    const int last = min(block.first + Tiles::kQueries, sequence_length) - 1;
    const int query_stride = heads * kHeadDim;
    const int key_stride = key_value_heads * kHeadDim;
    const int64 query_at = ((token + block.first) * heads + block.head) * kHeadDim;
    const int64 key_at = (token * key_value_heads + block.head / (heads / key_value_heads)) * kHeadDim;
    const auto load_keys = [&](const uint32 tile, const bf16* const from, const int first_key) {
        load_tile<kKeys, kHeadDim, kAttentionThreads>(tile, from + key_at + (int64)first_key * key_stride,
                                                      key_stride, sequence_length - first_key);
        copies_commit();
    };
    const int keys_end = last + 1;
    int first_key = starts[block.first] / kKeys * kKeys;
    load_tile<Tiles::kQueries, kHeadDim, kAttentionThreads>(query_tile, q + query_at, query_stride,
                                                            sequence_length - block.first);
    load_keys(key_tile, k, first_key);

    const int lane = threadIdx.x % 32;
    const int warp_row = (int)threadIdx.x / 32 * Tiles::kWarpQueries;
    const WarpQueries warp(starts, block.first + warp_row, Tiles::kWarpQueries, sequence_length);
    const float scale_log2 = scale * kLog2E;
    float weighed[kPieces][kHeadDim / kPieceColumns][4];
    float largest[kPieces][2];
    float sum[kPieces][2];  // of the lane's columns
    clear(weighed);
#pragma unroll
    for (int piece = 0; piece < kPieces; ++piece) {
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            largest[piece][half] = negative_infinity();
            sum[piece][half] = 0.0f;
        }
    }

    for (; first_key < keys_end; first_key += kKeys) {
        const bool visible = warp.see(first_key, kKeys);
        copies_wait<0>();
        __syncthreads();  // keys are there, and nobody reads the values of the tile before any more
        load_keys(value_tile, v, first_key);
        float scores[kPieces][kKeys / kPieceColumns][4];
        if (visible) {
            clear(scores);
            multiply_tiles<kPieces, kKeys, kHeadDim>(scores, query_tile, warp_row, key_tile);
        }
        copies_wait<0>();
        __syncthreads();  // values are there, and nobody reads the keys any more
        if (first_key + kKeys < keys_end) load_keys(key_tile, k, first_key + kKeys);
        if (!visible) continue;
        if (!warp.see_all(first_key, kKeys)) {
            hide_keys(scores, starts, warp.first, sequence_length, first_key);
        }
#pragma unroll
        for (int piece = 0; piece < kPieces; ++piece) {
#pragma unroll
            for (int half = 0; half < 2; ++half) {
                float maximum = largest[piece][half];
#pragma unroll
                for (int column = 0; column < kKeys / kPieceColumns; ++column) {
                    maximum = fmaxf(maximum, scores[piece][column][2 * half]);
                    maximum = fmaxf(maximum, scores[piece][column][2 * half + 1]);
                }
                maximum = fmaxf(maximum, __shfl_xor_sync(0xffffffffu, maximum, 1));
                maximum = fmaxf(maximum, __shfl_xor_sync(0xffffffffu, maximum, 2));
                // A query that has seen no key yet must not get infinity minus infinity.
                const float shift = maximum == negative_infinity() ? 0.0f : maximum * scale_log2;
                const float correction = fast_exp2(largest[piece][half] * scale_log2 - shift);
                largest[piece][half] = maximum;
                float tile_sum = 0.0f;
#pragma unroll
                for (int column = 0; column < kKeys / kPieceColumns; ++column) {
#pragma unroll
                    for (int i = 2 * half; i < 2 * half + 2; ++i) {
                        const float weight = fast_exp2(scores[piece][column][i] * scale_log2 - shift);
                        scores[piece][column][i] = weight;
                        tile_sum += weight;
                    }
                }
                sum[piece][half] = sum[piece][half] * correction + tile_sum;
#pragma unroll
                for (int column = 0; column < kHeadDim / kPieceColumns; ++column) {
                    weighed[piece][column][2 * half] *= correction;
                    weighed[piece][column][2 * half + 1] *= correction;
                }
            }
        }
        uint32 weights[kPieces][kKeys / kPieceDepth][4];
        round_to_operand<kPieces, kKeys>(scores, weights);
        multiply_registers<kPieces, kKeys, kHeadDim>(weighed, weights, value_tile);
    }

    float factors[kPieces][2];
#pragma unroll
    for (int piece = 0; piece < kPieces; ++piece) {
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            float total = sum[piece][half];
            total += __shfl_xor_sync(0xffffffffu, total, 1);
            total += __shfl_xor_sync(0xffffffffu, total, 2);
            factors[piece][half] = 1.0f / total;
            const int query = warp.first + piece * kPieceRows + half * 8 + lane / 4;
            if (lane % 4 == 0 && query < sequence_length) {
                log_sum_exp[(token + query) * heads + block.head] =
                    largest[piece][half] * scale + logf(total);
            }
        }
    }
    store_rows<kPieces, kHeadDim>(weighed, factors, query_rows, warp_row,
                                  out + query_at + (int64)warp_row * query_stride, query_stride,
                                  sequence_length - warp.first);
}
