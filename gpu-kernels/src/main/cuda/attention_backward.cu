// attention_backward.cu: backward of attention.cu, for any type and head size up to kMaxHeadDim, in fp32.
//
//   q, out, d_out    [tokens, heads, head_dim]            Real  read
//   k, v             [tokens, key_value_heads, head_dim]  Real  read
//   document_starts  [tokens]                             i32   read; see attention.cuh
//   log_sum_exp      [tokens, heads]                      f32   read
//   statistics       [heads, tokens]                      f32 pairs, scratch: log_sum_exp, and delta, the
//                                                         product of out and d_out
//   d_q              [tokens, heads, head_dim]            Real  written
//   d_k, d_v         [tokens, key_value_heads, head_dim]  Real  written
//
// With P = exp(score - log_sum_exp) and dS = P * (d_out . v - delta) * scale, the gradients are d_v = P^T
// d_out, d_q = dS k, d_k = dS^T q, where d_k and d_v sum over the heads of a group.
//
// Launch, in this order, blocks of kAnyThreads threads:
//   attention_statistics       ceil(tokens * heads / 4) blocks
//   attention_query_gradients  sequences * heads * ceil(sequence_length / kBlockRows) blocks
//   attention_key_gradients    sequences * key_value_heads * ceil(sequence_length / kBlockRows) blocks
// the last two with dynamic shared memory of kSharedBytes.
// Bound: shared memory. Deterministic: one warp sums a gradient, in the order of keys, or of heads and
// queries.
#include "attention_any.cuh"

constexpr int kSharedBytes = row_bytes(2 * (kBlockRows + kTileRows));

template <typename Real>
__global__ void __launch_bounds__(kAnyThreads)
    attention_statistics(const Real* __restrict__ out, const Real* __restrict__ d_out,
                         const float* __restrict__ log_sum_exp, const int64 tokens, const int heads,
                         const int head_dim, float2* __restrict__ statistics) {
    const int64 row = (int64)blockIdx.x * (kAnyThreads / kWarpSize) + threadIdx.x / kWarpSize;
    if (row >= tokens * heads) return;
    const int lane = threadIdx.x % kWarpSize;
    float delta = 0.0f;
    for (int dim = lane; dim < head_dim; dim += kWarpSize) {
        delta += to_float(out[row * head_dim + dim]) * to_float(d_out[row * head_dim + dim]);
    }
    delta = warp_sum(delta);
    if (lane == 0) {
        const int64 token = row / heads;
        statistics[(row - token * heads) * tokens + token] = make_float2(log_sum_exp[row], delta);
    }
}

template <typename Real>
__global__ void __launch_bounds__(kAnyThreads)
    attention_query_gradients(const Real* __restrict__ q, const Real* __restrict__ k,
                              const Real* __restrict__ v, const int* __restrict__ document_starts,
                              const Real* __restrict__ d_out, const float2* __restrict__ statistics,
                              const int sequences, const int sequence_length, const int heads,
                              const int key_value_heads, const int head_dim, const float scale,
                              Real* __restrict__ d_q) {
    extern __shared__ float shared[];
    const int pitch = tile_pitch(head_dim);
    float* const query_rows = shared;
    float* const d_out_rows = query_rows + kBlockRows * pitch;
    float* const key_tile = d_out_rows + kBlockRows * pitch;
    float* const value_tile = key_tile + kTileRows * pitch;

    const AttentionBlock block(blockIdx.x, heads, sequences, sequence_length, kBlockRows, true);
    const int64 token = (int64)block.sequence * sequence_length;
    const int* const starts = document_starts + token;
    const int queries = min(kBlockRows, sequence_length - block.first);
    const int64 query_stride = (int64)heads * head_dim;
    const int64 key_stride = (int64)key_value_heads * head_dim;
    const int64 query_at = ((token + block.first) * heads + block.head) * head_dim;
    const int64 key_at = (token * key_value_heads + block.head / (heads / key_value_heads)) * head_dim;
    copy_rows<kBlockRows>(query_rows, pitch, q + query_at, query_stride, head_dim, queries);
    copy_rows<kBlockRows>(d_out_rows, pitch, d_out + query_at, query_stride, head_dim, queries);

    const int lane = threadIdx.x % kWarpSize;
    const int warp_row = (int)threadIdx.x / kWarpSize * kWarpRows;
    int start[kWarpRows];
    int span[kWarpRows];
    float2 row_statistics[kWarpRows];
    float gradient[kWarpRows][kLaneDims];
    clear_rows(gradient);
#pragma unroll
    for (int row = 0; row < kWarpRows; ++row) {
        const int query = block.first + warp_row + row;
        const int valid_query = min(query, sequence_length - 1);
        start[row] = starts[valid_query];
        span[row] = query - start[row];
        row_statistics[row] =
            statistics[((int64)block.head * sequences * sequence_length) + token + valid_query];
    }

    const int keys_end = block.first + queries;
    for (int first_key = starts[block.first]; first_key < keys_end; first_key += kTileRows) {
        __syncthreads();  // nobody reads the tiles before any more
        const int64 tile_at = key_at + first_key * key_stride;
        const int keys = sequence_length - first_key;
        copy_rows<kTileRows>(key_tile, pitch, k + tile_at, key_stride, head_dim, keys);
        copy_rows<kTileRows>(value_tile, pitch, v + tile_at, key_stride, head_dim, keys);
        __syncthreads();
#pragma unroll
        for (int row = 0; row < kWarpRows; ++row) {
            const int at = (warp_row + row) * pitch;
            float d_score = 0.0f;
            if (sees(first_key + lane, start[row], span[row])) {
                const float score = dot(query_rows + at, key_tile + lane * pitch, head_dim) * scale;
                const float d_weight = dot(d_out_rows + at, value_tile + lane * pitch, head_dim);
                d_score = expf(score - row_statistics[row].x) * (d_weight - row_statistics[row].y);
            }
            add_scaled_rows(gradient[row], d_score, key_tile, pitch, head_dim);
        }
    }

#pragma unroll
    for (int row = 0; row < kWarpRows; ++row) {
        if (warp_row + row >= queries) break;
        store_row(gradient[row], scale, d_q + query_at + (warp_row + row) * query_stride, head_dim);
    }
}

template <typename Real>
__global__ void __launch_bounds__(kAnyThreads)
    attention_key_gradients(const Real* __restrict__ q, const Real* __restrict__ k,
                            const Real* __restrict__ v, const int* __restrict__ document_starts,
                            const Real* __restrict__ d_out, const float2* __restrict__ statistics,
                            const int sequences, const int sequence_length, const int heads,
                            const int key_value_heads, const int head_dim, const float scale,
                            Real* __restrict__ d_k, Real* __restrict__ d_v) {
    extern __shared__ float shared[];
    const int pitch = tile_pitch(head_dim);
    float* const key_rows = shared;
    float* const value_rows = key_rows + kBlockRows * pitch;
    float* const query_tile = value_rows + kBlockRows * pitch;
    float* const d_out_tile = query_tile + kTileRows * pitch;

    const AttentionBlock block(blockIdx.x, key_value_heads, sequences, sequence_length, kBlockRows, false);
    const int64 tokens = (int64)sequences * sequence_length;
    const int64 token = (int64)block.sequence * sequence_length;
    const int* const starts = document_starts + token;
    const int group = heads / key_value_heads;
    const int keys = min(kBlockRows, sequence_length - block.first);
    const int64 query_stride = (int64)heads * head_dim;
    const int64 key_stride = (int64)key_value_heads * head_dim;
    const int64 key_at = ((token + block.first) * key_value_heads + block.head) * head_dim;
    copy_rows<kBlockRows>(key_rows, pitch, k + key_at, key_stride, head_dim, keys);
    copy_rows<kBlockRows>(value_rows, pitch, v + key_at, key_stride, head_dim, keys);

    const int lane = threadIdx.x % kWarpSize;
    const int warp_row = (int)threadIdx.x / kWarpSize * kWarpRows;
    float key_gradient[kWarpRows][kLaneDims];
    float value_gradient[kWarpRows][kLaneDims];
    clear_rows(key_gradient);
    clear_rows(value_gradient);
    const int tiles = visible_blocks(starts, sequence_length, block.first, kTileRows, block.first + keys - 1);
    for (int head = block.head * group; head < (block.head + 1) * group; ++head) {
        for (int tile = 0; tile < tiles; ++tile) {
            const int first_query = block.first + tile * kTileRows;
            const int queries = sequence_length - first_query;
            const int64 tile_at = ((token + first_query) * heads + head) * head_dim;
            __syncthreads();  // nobody reads the tiles before any more
            copy_rows<kTileRows>(query_tile, pitch, q + tile_at, query_stride, head_dim, queries);
            copy_rows<kTileRows>(d_out_tile, pitch, d_out + tile_at, query_stride, head_dim, queries);
            __syncthreads();
            const int query = first_query + lane;
            const int start = lane < queries ? starts[query] : sequence_length;
            const float2 column_statistics =
                lane < queries ? statistics[head * tokens + token + query] : make_float2(0.0f, 0.0f);
#pragma unroll
            for (int row = 0; row < kWarpRows; ++row) {
                const int at = (warp_row + row) * pitch;
                const int key = block.first + warp_row + row;
                float weight = 0.0f;
                float d_score = 0.0f;
                if (start <= key && key <= query) {
                    const float score = dot(key_rows + at, query_tile + lane * pitch, head_dim) * scale;
                    const float d_weight = dot(value_rows + at, d_out_tile + lane * pitch, head_dim);
                    weight = expf(score - column_statistics.x);
                    d_score = weight * (d_weight - column_statistics.y);
                }
                add_scaled_rows(value_gradient[row], weight, d_out_tile, pitch, head_dim);
                add_scaled_rows(key_gradient[row], d_score, query_tile, pitch, head_dim);
            }
        }
    }

#pragma unroll
    for (int row = 0; row < kWarpRows; ++row) {
        if (warp_row + row >= keys) break;
        const int64 at = key_at + (warp_row + row) * key_stride;
        store_row(key_gradient[row], scale, d_k + at, head_dim);
        store_row(value_gradient[row], 1.0f, d_v + at, head_dim);
    }
}
