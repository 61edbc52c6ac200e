// attention.cu: causal grouped-query attention inside documents, forward, for any type and head size up to
// kMaxHeadDim, in fp32: the check mode, and what attention_bf16.cu does not take.
//
//   q                [tokens, heads, head_dim]            Real  read
//   k, v             [tokens, key_value_heads, head_dim]  Real  read
//   document_starts  [tokens]                             i32   read; see attention.cuh
//   out              [tokens, heads, head_dim]            Real  written
//   log_sum_exp      [tokens, heads]                      f32   written: logarithm of the sum of exp(score)
//
// tokens = sequences * sequence_length; scores are q . k * scale. A warp goes over the keys of its queries
// once, a key per lane, and keeps each query's running maximum and sum: scores exist in registers only.
//
// Launch: sequences * heads * ceil(sequence_length / kBlockRows) blocks of kAnyThreads threads, with dynamic
// shared memory of kSharedBytes. Bound: shared memory.
// Deterministic: a query's keys are taken in order by one warp.
#include "attention_any.cuh"

constexpr int kSharedBytes = row_bytes(kBlockRows + 2 * kTileRows);

template <typename Real>
__global__ void __launch_bounds__(kAnyThreads)
    attention(const Real* __restrict__ q, const Real* __restrict__ k, const Real* __restrict__ v,
              const int* __restrict__ document_starts, const int sequences, const int sequence_length,
              const int heads, const int key_value_heads, const int head_dim, const float scale,
              Real* __restrict__ out, float* __restrict__ log_sum_exp) {
    extern __shared__ float shared[];
    const int pitch = tile_pitch(head_dim);
    float* const query_rows = shared;
    float* const key_tile = query_rows + kBlockRows * pitch;
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

    const int lane = threadIdx.x % kWarpSize;
    const int warp_row = (int)threadIdx.x / kWarpSize * kWarpRows;
    int start[kWarpRows];
    int span[kWarpRows];
    float largest[kWarpRows];
    float sum[kWarpRows];
    float weighed[kWarpRows][kLaneDims];
    clear_rows(weighed);
#pragma unroll
    for (int row = 0; row < kWarpRows; ++row) {
        const int query = block.first + warp_row + row;
        start[row] = starts[min(query, sequence_length - 1)];
        span[row] = query - start[row];
        largest[row] = negative_infinity();
        sum[row] = 0.0f;
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
            const bool visible = sees(first_key + lane, start[row], span[row]);
            const float score =
                visible
                    ? dot(query_rows + (warp_row + row) * pitch, key_tile + lane * pitch, head_dim) * scale
                    : negative_infinity();
            const float maximum = fmaxf(largest[row], warp_max(score));
            if (maximum == negative_infinity()) continue;  // the query's document starts later
            const float correction = expf(largest[row] - maximum);
            const float weight = expf(score - maximum);
            largest[row] = maximum;
            sum[row] = sum[row] * correction + warp_sum(weight);
#pragma unroll
            for (int i = 0; i < kLaneDims; ++i) weighed[row][i] *= correction;
            add_scaled_rows(weighed[row], weight, value_tile, pitch, head_dim);
        }
    }

#pragma unroll
    for (int row = 0; row < kWarpRows; ++row) {
        if (warp_row + row >= queries) break;
        store_row(weighed[row], 1.0f / sum[row], out + query_at + (warp_row + row) * query_stride, head_dim);
        if (lane == 0) {
            log_sum_exp[(token + block.first + warp_row + row) * heads + block.head] =
                largest[row] + logf(sum[row]);
        }
    }
}
