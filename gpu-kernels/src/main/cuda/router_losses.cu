// router_losses.cu: load-balancing loss per sequence, z-loss per token, and the gradients of both.
//
// With f_e the share of a sequence's assignments that chose expert e and P_e the mean score:
//   loss = aux_scale * experts * sum_e f_e P_e      z-loss = z_scale * logsumexp(logits)^2
// Four launches: column sums of chunks of tokens; shares and loss of each sequence; gradients and z-losses of
// the tokens; sums of the losses. Deterministic: fixed orders; counts are integers.
#include "sums.cuh"

constexpr int kLossThreads = 256;
constexpr int kChunk = 64;  // tokens

//   scores       [sequences * length, experts]  f32  read
//   top_experts  [sequences * length, top_k]    i32  read
//   score_sums   [sequences, chunks, experts]   f64  written; chunks = length / kChunk, rounded up
//   counts       [sequences, chunks, experts]   i32  written
//
// Launch: one block of kLossThreads per chunk; dynamic shared memory: an i32 per expert. Bound: memory.
__host__ __device__ constexpr int sum_chunks_shared_bytes(const int experts) {
    return experts * (int)sizeof(int);
}

__global__ void __launch_bounds__(kLossThreads, 4)
    sum_chunks(const float* __restrict__ scores, const int* __restrict__ top_experts, const int length,
               const int chunks, const int experts, const int top_k, double* __restrict__ score_sums,
               int* __restrict__ counts) {
    extern __shared__ int chosen[];
    const int sequence = (int)blockIdx.x / chunks;
    const int first = (int)blockIdx.x % chunks * kChunk;
    const int tokens = min(kChunk, length - first);
    const int64 first_token = (int64)sequence * length + first;
    for (int expert = threadIdx.x; expert < experts; expert += kLossThreads) chosen[expert] = 0;
    __syncthreads();
    for (int i = threadIdx.x; i < tokens * top_k; i += kLossThreads) {
        const int expert = top_experts[first_token * top_k + i];
        if (expert >= 0 && expert < experts) atomicAdd(&chosen[expert], 1);
    }
    __syncthreads();
    const float* __restrict__ from = scores + first_token * experts;
    for (int expert = threadIdx.x; expert < experts; expert += kLossThreads) {
        double sum = 0;
#pragma unroll 8
        for (int token = 0; token < tokens; ++token) sum += from[(int64)token * experts + expert];
        score_sums[(int64)blockIdx.x * experts + expert] = sum;
        counts[(int64)blockIdx.x * experts + expert] = chosen[expert];
    }
}

//   score_sums  [sequences, chunks, experts]  f64  read
//   counts      [sequences, chunks, experts]  i32  read
//   shares      [sequences, experts]          f32  written
//   losses      [sequences]                   f64  written
//
// Launch: one block of kLossThreads per sequence. Bound: latency.
__global__ void __launch_bounds__(kLossThreads, 4)
    share_experts(const double* __restrict__ score_sums, const int* __restrict__ counts, const int length,
                  const int chunks, const int experts, const int top_k, const double aux_scale,
                  float* __restrict__ shares, double* __restrict__ losses) {
    const int64 first = (int64)blockIdx.x * chunks * experts;
    const double assignments = (double)length * top_k;
    double loss = 0;
    for (int expert = threadIdx.x; expert < experts; expert += kLossThreads) {
        double score = 0;
        int64 count = 0;
#pragma unroll 4
        for (int chunk = 0; chunk < chunks; ++chunk) {
            score += score_sums[first + (int64)chunk * experts + expert];
            count += counts[first + (int64)chunk * experts + expert];
        }
        const double share = (double)count / assignments;
        shares[(int64)blockIdx.x * experts + expert] = (float)share;
        loss += share * (score / length);
    }
    loss = block_sum<kLossThreads>(loss);
    if (threadIdx.x == 0) losses[blockIdx.x] = aux_scale * experts * loss;
}

//   logits    [tokens, experts]               f32  read
//   scores    [tokens, experts]               f32  read
//   shares    [tokens / length, experts]      f32  read
//   d_logits  [tokens, experts]               f32  written
//   z_losses  [gridDim.x]                     f64  written: the tokens of each block
//
// Launch: grid of any size, blocks of kLossThreads; a warp per token, striding. Bound: memory.
__global__ void __launch_bounds__(kLossThreads, 4)
    differentiate_losses(const float* __restrict__ logits, const float* __restrict__ scores,
                         const float* __restrict__ shares, const int64 tokens, const int length,
                         const int experts, const double aux_scale, const double z_scale,
                         float* __restrict__ d_logits, double* __restrict__ z_losses) {
    constexpr int kWarps = kLossThreads / kWarpSize;
    const int lane = threadIdx.x % kWarpSize;
    const int64 stride = (int64)gridDim.x * kWarps;
    const float slope = (float)(aux_scale * experts / length);
    double z_loss = 0;
    for (int64 token = (int64)blockIdx.x * kWarps + threadIdx.x / kWarpSize; token < tokens;
         token += stride) {
        const float* __restrict__ row = logits + token * experts;
        const float* __restrict__ score = scores + token * experts;
        const float* __restrict__ share = shares + token / length * experts;
        float largest = row[0];
        float mean = 0;
        for (int expert = lane; expert < experts; expert += kWarpSize) {
            largest = fmaxf(largest, row[expert]);
            mean += score[expert] * share[expert];
        }
        largest = warp_max(largest);
        mean = warp_sum(mean);
        float sum = 0;
        for (int expert = lane; expert < experts; expert += kWarpSize) sum += expf(row[expert] - largest);
        const float total = largest + logf(warp_sum(sum));
        z_loss += (double)total * total;
        const float z_slope = (float)(2 * z_scale * total);
        for (int expert = lane; expert < experts; expert += kWarpSize) {
            d_logits[token * experts + expert] = score[expert] * (slope * (share[expert] - mean) + z_slope);
        }
    }
    z_loss = block_sum<kLossThreads>(lane == 0 ? z_loss : 0);
    if (threadIdx.x == 0) z_losses[blockIdx.x] = z_scale * z_loss;
}

//   aux_losses  [sequences]  f64  read
//   z_losses    [blocks]     f64  read
//   losses      [2]          f64  added to
//
// Launch: one block of kSumThreads. Bound: latency.
__global__ void __launch_bounds__(kSumThreads)
    add_losses(const double* __restrict__ aux_losses, const int64 sequences,
               const double* __restrict__ z_losses, const int64 blocks, double* __restrict__ losses) {
    const double aux = sum_terms(aux_losses, sequences);
    const double z = sum_terms(z_losses, blocks);
    if (threadIdx.x == 0) {
        losses[0] += aux;
        losses[1] += z;
    }
}
