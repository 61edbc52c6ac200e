// attention_backward_bf16.cu: backward of attention_bf16.cu, on tensor cores.
//
//   q, out, d_out    [tokens, heads, kHeadDim]            bf16  read; rows 16-byte aligned, as all of these
//   k, v             [tokens, key_value_heads, kHeadDim]  bf16  read
//   document_starts  [tokens]                             i32   read; see attention.cuh
//   log_sum_exp      [tokens, heads]                      f32   read
//   statistics       [heads, tokens]                      f32 pairs, scratch: log_sum_exp in units of ln 2,
//                                                         and delta, the product of out and d_out
//   d_q              [tokens, heads, kHeadDim]            bf16  written
//   d_k, d_v         [tokens, key_value_heads, kHeadDim]  bf16  written
//
// With P = exp(score - log_sum_exp) and dS = P * (d_out . v - delta) * scale, the gradients are d_v = P^T
// d_out, d_q = dS k, d_k = dS^T q, where d_k and d_v sum over the heads of a group. P and dS are computed
// twice, once for d_q and once for d_k and d_v, so that each gradient has one owner which sums in registers.
//
// Launch, in this order, blocks of kAttentionThreads threads:
//   attention_statistics_bf16       ceil(tokens * heads / kStatisticsRows) blocks
//   attention_query_gradients_bf16  sequences * heads * ceil(sequence_length / kQueries) blocks, with
//                                   QueryGradientTiles<kHeadDim>::kSharedBytes of dynamic shared memory
//   attention_key_gradients_bf16    sequences * key_value_heads * ceil(sequence_length / kKeys) blocks, with
//                                   KeyGradientTiles<kHeadDim>::kSharedBytes of dynamic shared memory
// Bound: memory for the statistics; then tensor cores, 6 and 8 * kHeadDim operations per visible pair and
// head.
// Deterministic: one block sums a gradient, in the order of keys, or of heads and then queries.
#include "attention_bf16.cuh"

// Rows of a block of attention_statistics_bf16: a warp takes one at a time.
constexpr int kStatisticsRows = 4 * kAttentionWarps;

template <int kHeadDim>
__global__ void __launch_bounds__(kAttentionThreads)
    attention_statistics_bf16(const bf16* __restrict__ out, const bf16* __restrict__ d_out,
                              const float* __restrict__ log_sum_exp, const int64 tokens, const int heads,
                              float2* __restrict__ statistics) {
    constexpr int kRowLanes = 32 / (kStatisticsRows / kAttentionWarps);
    const int lane = threadIdx.x % kRowLanes;
    const int64 row = (int64)blockIdx.x * kStatisticsRows + threadIdx.x / kRowLanes;
    const bool valid = row < tokens * heads;
    float delta = 0.0f;
    if (valid) {
        for (int chunk = lane; chunk < kHeadDim / kChunkElements; chunk += kRowLanes) {
            const int64 at = row * kHeadDim + chunk * kChunkElements;
            const uint4 left = *(const uint4*)(out + at);
            const uint4 right = *(const uint4*)(d_out + at);
            const uint32 left_words[4] = {left.x, left.y, left.z, left.w};
            const uint32 right_words[4] = {right.x, right.y, right.z, right.w};
#pragma unroll
            for (int word = 0; word < 4; ++word) {
                delta += __uint_as_float(left_words[word] << 16) * __uint_as_float(right_words[word] << 16);
                delta += __uint_as_float(left_words[word] & 0xffff0000u) *
                         __uint_as_float(right_words[word] & 0xffff0000u);
            }
        }
    }
#pragma unroll
    for (int offset = kRowLanes / 2; offset > 0; offset /= 2) {
        delta += __shfl_xor_sync(0xffffffffu, delta, offset);
    }
    if (valid && lane == 0) {
        const int64 token = row / heads;
        statistics[(row - token * heads) * tokens + token] = make_float2(log_sum_exp[row] * kLog2E, delta);
    }
}

template <int kHeadDim>
__global__ void __launch_bounds__(kAttentionThreads, QueryGradientTiles<kHeadDim>::kBlocksPerMultiprocessor)
    attention_query_gradients_bf16(const bf16* __restrict__ q, const bf16* __restrict__ k,
                                   const bf16* __restrict__ v, const int* __restrict__ document_starts,
                                   const bf16* __restrict__ d_out, const float2* __restrict__ statistics,
                                   const int sequences, const int sequence_length, const int heads,
                                   const int key_value_heads, const float scale, bf16* __restrict__ d_q) {
    using Tiles = QueryGradientTiles<kHeadDim>;
    constexpr int kPieces = Tiles::kPieces;
    constexpr int kKeys = Tiles::kKeys;
    constexpr int kKeyTileBytes = tile_bytes<kHeadDim>(kKeys);
    extern __shared__ __align__(1024) char shared[];
    char* const query_rows = shared;
    const uint32 query_tile = shared_address(query_rows);
    const uint32 d_out_tile = query_tile + tile_bytes<kHeadDim>(Tiles::kQueries);
    const uint32 stages = d_out_tile + tile_bytes<kHeadDim>(Tiles::kQueries);

    const AttentionBlock block(blockIdx.x, heads, sequences, sequence_length, Tiles::kQueries, true);
    const int64 token = (int64)block.sequence * sequence_length;
    const int* const starts = document_starts + token;
    const int keys_end = min(block.first + Tiles::kQueries, sequence_length);
    const int query_stride = heads * kHeadDim;
    const int key_stride = key_value_heads * kHeadDim;
    const int64 query_at = ((token + block.first) * heads + block.head) * kHeadDim;
    const int64 key_at = (token * key_value_heads + block.head / (heads / key_value_heads)) * kHeadDim;
    const auto load_stage = [&](const int stage, const int first_key) {
        const int64 at = key_at + (int64)first_key * key_stride;
        const uint32 tile = stages + stage * 2 * kKeyTileBytes;
        load_tile<kKeys, kHeadDim, kAttentionThreads>(tile, k + at, key_stride, sequence_length - first_key);
        load_tile<kKeys, kHeadDim, kAttentionThreads>(tile + kKeyTileBytes, v + at, key_stride,
                                                      sequence_length - first_key);
        copies_commit();
    };
    int first_key = starts[block.first] / kKeys * kKeys;
    load_tile<Tiles::kQueries, kHeadDim, kAttentionThreads>(query_tile, q + query_at, query_stride,
                                                            sequence_length - block.first);
    load_tile<Tiles::kQueries, kHeadDim, kAttentionThreads>(d_out_tile, d_out + query_at, query_stride,
                                                            sequence_length - block.first);
    load_stage(0, first_key);

    const int lane = threadIdx.x % 32;
    const int warp_row = (int)threadIdx.x / 32 * Tiles::kWarpQueries;
    const WarpQueries warp(starts, block.first + warp_row, Tiles::kWarpQueries, sequence_length);
    const float scale_log2 = scale * kLog2E;
    float2 row_statistics[kPieces][2];
#pragma unroll
    for (int piece = 0; piece < kPieces; ++piece) {
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            const int query = warp.first + piece * kPieceRows + half * 8 + lane / 4;
            row_statistics[piece][half] = statistics[(int64)block.head * sequences * sequence_length + token +
                                                     min(query, sequence_length - 1)];
        }
    }
    float gradient[kPieces][kHeadDim / kPieceColumns][4];
    clear(gradient);

    for (int stage = 0; first_key < keys_end; first_key += kKeys, stage ^= 1) {
        copies_wait<0>();
        __syncthreads();  // this stage is there, and nobody reads the other one any more
        if (first_key + kKeys < keys_end) load_stage(stage ^ 1, first_key + kKeys);
        if (!warp.see(first_key, kKeys)) continue;
        const uint32 key_tile = stages + stage * 2 * kKeyTileBytes;
        float scores[kPieces][kKeys / kPieceColumns][4];
        clear(scores);
        multiply_tiles<kPieces, kKeys, kHeadDim>(scores, query_tile, warp_row, key_tile);
        if (!warp.see_all(first_key, kKeys)) {
            hide_keys(scores, starts, warp.first, sequence_length, first_key);
        }
        float d_weights[kPieces][kKeys / kPieceColumns][4];
        clear(d_weights);
        multiply_tiles<kPieces, kKeys, kHeadDim>(d_weights, d_out_tile, warp_row, key_tile + kKeyTileBytes);
#pragma unroll
        for (int piece = 0; piece < kPieces; ++piece) {
#pragma unroll
            for (int column = 0; column < kKeys / kPieceColumns; ++column) {
#pragma unroll
                for (int i = 0; i < 4; ++i) {
                    const float2 row = row_statistics[piece][i / 2];
                    const float weight = fast_exp2(scores[piece][column][i] * scale_log2 - row.x);
                    scores[piece][column][i] = weight * (d_weights[piece][column][i] - row.y);
                }
            }
        }
        uint32 d_scores[kPieces][kKeys / kPieceDepth][4];
        round_to_operand<kPieces, kKeys>(scores, d_scores);
        multiply_registers<kPieces, kKeys, kHeadDim>(gradient, d_scores, key_tile);
    }

    float factors[kPieces][2];
#pragma unroll
    for (int piece = 0; piece < kPieces; ++piece) {
        factors[piece][0] = scale;
        factors[piece][1] = scale;
    }
    store_rows<kPieces, kHeadDim>(gradient, factors, query_rows, warp_row,
                                  d_q + query_at + (int64)warp_row * query_stride, query_stride,
                                  sequence_length - warp.first);
}

template <int kHeadDim>
__global__ void __launch_bounds__(kAttentionThreads, KeyGradientTiles<kHeadDim>::kBlocksPerMultiprocessor)
    attention_key_gradients_bf16(const bf16* __restrict__ q, const bf16* __restrict__ k,
                                 const bf16* __restrict__ v, const int* __restrict__ document_starts,
                                 const bf16* __restrict__ d_out, const float2* __restrict__ statistics,
                                 const int sequences, const int sequence_length, const int heads,
                                 const int key_value_heads, const float scale, bf16* __restrict__ d_k,
                                 bf16* __restrict__ d_v) {
    using Tiles = KeyGradientTiles<kHeadDim>;
    constexpr int kPieces = Tiles::kPieces;
    constexpr int kQueries = Tiles::kQueries;
    constexpr int kQueryTileBytes = tile_bytes<kHeadDim>(kQueries);
    static_assert(kQueries <= kAttentionThreads, "a thread copies the statistics of at most one query");
    extern __shared__ __align__(1024) char shared[];
    char* const key_rows = shared;
    char* const value_rows = key_rows + tile_bytes<kHeadDim>(Tiles::kKeys);
    char* const stage_rows = value_rows + tile_bytes<kHeadDim>(Tiles::kKeys);
    const uint32 key_tile = shared_address(key_rows);
    const uint32 value_tile = shared_address(value_rows);
    // Tiles of queries and of d_out of both stages come first, so that all tiles are aligned.
    const uint32 query_tiles = shared_address(stage_rows);
    float2* const all_statistics = (float2*)(stage_rows + Tiles::kStages * 2 * kQueryTileBytes);
    int* const all_starts = (int*)(all_statistics + Tiles::kStages * kQueries);

    const AttentionBlock block(blockIdx.x, key_value_heads, sequences, sequence_length, Tiles::kKeys, false);
    const int64 tokens = (int64)sequences * sequence_length;
    const int64 token = (int64)block.sequence * sequence_length;
    const int* const starts = document_starts + token;
    const int group = heads / key_value_heads;
    const int query_stride = heads * kHeadDim;
    const int key_stride = key_value_heads * kHeadDim;
    const int64 key_at = ((token + block.first) * key_value_heads + block.head) * kHeadDim;
    const int last_key = min(block.first + Tiles::kKeys, sequence_length) - 1;
    const int first_query = block.first / kQueries * kQueries;
    const int query_blocks = visible_blocks(starts, sequence_length, first_query, kQueries, last_key);
    const auto load_stage = [&](const int stage, const int head, const int query) {
        const int64 at = ((token + query) * heads + head) * kHeadDim;
        const uint32 tile = query_tiles + stage * 2 * kQueryTileBytes;
        load_tile<kQueries, kHeadDim, kAttentionThreads>(tile, q + at, query_stride, sequence_length - query);
        load_tile<kQueries, kHeadDim, kAttentionThreads>(tile + kQueryTileBytes, d_out + at, query_stride,
                                                         sequence_length - query);
        if (threadIdx.x < kQueries) {
            // Zeros beyond the sequence do no harm: d_out is zero there, and so are all gradients.
            const bool valid = query + (int)threadIdx.x < sequence_length;
            const int64 from = token + query + (valid ? (int)threadIdx.x : 0);
            const int to = stage * kQueries + (int)threadIdx.x;
            copy_async<8>(shared_address(all_statistics + to), statistics + head * tokens + from, valid);
            copy_async<4>(shared_address(all_starts + to), document_starts + from, valid);
        }
        copies_commit();
    };
    load_tile<Tiles::kKeys, kHeadDim, kAttentionThreads>(key_tile, k + key_at, key_stride,
                                                         sequence_length - block.first);
    load_tile<Tiles::kKeys, kHeadDim, kAttentionThreads>(value_tile, v + key_at, key_stride,
                                                         sequence_length - block.first);
    load_stage(0, block.head * group, first_query);

    const int lane = threadIdx.x % 32;
    const int warp_row = (int)threadIdx.x / 32 * Tiles::kWarpKeys;
    const int warp_first_key = block.first + warp_row;
    const float scale_log2 = scale * kLog2E;
    float key_gradient[kPieces][kHeadDim / kPieceColumns][4];
    float value_gradient[kPieces][kHeadDim / kPieceColumns][4];
    clear(key_gradient);
    clear(value_gradient);

    int head = block.head * group;
    int query_block = 0;
    const int iterations = group * query_blocks;
    for (int iteration = 0; iteration < iterations; ++iteration) {
        const int stage = iteration % 2;
        const int query = first_query + query_block * kQueries;
        if (++query_block == query_blocks) {
            query_block = 0;
            ++head;
        }
        copies_wait<0>();
        __syncthreads();  // this stage is there, and nobody reads the other one any more
        if (iteration + 1 < iterations) load_stage(stage ^ 1, head, first_query + query_block * kQueries);
        const float2* const column_statistics = all_statistics + stage * kQueries;
        const int* const column_starts = all_starts + stage * kQueries;
        const int queries = min(kQueries, sequence_length - query);
        const int first_start = column_starts[0];
        const int last_start = column_starts[queries - 1];
        const bool visible =
            query + queries > warp_first_key && first_start < warp_first_key + Tiles::kWarpKeys;
        if (!visible) continue;

        // Everything is transposed: a row is a key, a column a query.
        const uint32 query_tile = query_tiles + stage * 2 * kQueryTileBytes;
        const uint32 d_out_tile = query_tile + kQueryTileBytes;
        float scores[kPieces][kQueries / kPieceColumns][4];
        clear(scores);
        multiply_tiles<kPieces, kQueries, kHeadDim>(scores, key_tile, warp_row, query_tile);
        if (query < warp_first_key + Tiles::kWarpKeys - 1 || last_start > warp_first_key) {
#pragma unroll
            for (int column = 0; column < kQueries / kPieceColumns; ++column) {
#pragma unroll
                for (int i = 0; i < 4; ++i) {
                    const int at = column * kPieceColumns + lane % 4 * 2 + i % 2;
                    const int start = column_starts[at];
#pragma unroll
                    for (int piece = 0; piece < kPieces; ++piece) {
                        const int key = warp_first_key + piece * kPieceRows + i / 2 * 8 + lane / 4;
                        if (!sees(key, start, query + at - start))
                            scores[piece][column][i] = negative_infinity();
                    }
                }
            }
        }
#pragma unroll
        for (int column = 0; column < kQueries / kPieceColumns; ++column) {
            const float4 pair = *(const float4*)(column_statistics + column * kPieceColumns + lane % 4 * 2);
#pragma unroll
            for (int piece = 0; piece < kPieces; ++piece) {
#pragma unroll
                for (int i = 0; i < 4; ++i) {
                    scores[piece][column][i] =
                        fast_exp2(scores[piece][column][i] * scale_log2 - (i % 2 == 0 ? pair.x : pair.z));
                }
            }
        }
        uint32 operand[kPieces][kQueries / kPieceDepth][4];
        round_to_operand<kPieces, kQueries>(scores, operand);
        multiply_registers<kPieces, kQueries, kHeadDim>(value_gradient, operand, d_out_tile);
        float d_weights[kPieces][kQueries / kPieceColumns][4];
        clear(d_weights);
        multiply_tiles<kPieces, kQueries, kHeadDim>(d_weights, value_tile, warp_row, d_out_tile);
#pragma unroll
        for (int column = 0; column < kQueries / kPieceColumns; ++column) {
            const float4 pair = *(const float4*)(column_statistics + column * kPieceColumns + lane % 4 * 2);
#pragma unroll
            for (int piece = 0; piece < kPieces; ++piece) {
#pragma unroll
                for (int i = 0; i < 4; ++i) {
                    scores[piece][column][i] *= d_weights[piece][column][i] - (i % 2 == 0 ? pair.y : pair.w);
                }
            }
        }
        round_to_operand<kPieces, kQueries>(scores, operand);
        multiply_registers<kPieces, kQueries, kHeadDim>(key_gradient, operand, query_tile);
    }

    float key_factors[kPieces][2];
    float value_factors[kPieces][2];
#pragma unroll
    for (int piece = 0; piece < kPieces; ++piece) {
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            key_factors[piece][half] = scale;
            value_factors[piece][half] = 1.0f;
        }
    }
    copies_wait<0>();
    __syncthreads();  // keys and values are there even if no query was
    const int64 store_at = key_at + (int64)warp_row * key_stride;
    store_rows<kPieces, kHeadDim>(key_gradient, key_factors, key_rows, warp_row, d_k + store_at, key_stride,
                                  sequence_length - warp_first_key);
    store_rows<kPieces, kHeadDim>(value_gradient, value_factors, value_rows, warp_row, d_v + store_at,
                                  key_stride, sequence_length - warp_first_key);
}
