// router.cu: softmax scores, the choice of experts, and its gradient.
//
// Launch of all kernels: grid of any size, blocks of kRouteThreads; a warp per token, striding. Bound:
// memory. Deterministic: one warp per token, fixed order.
#include "reduce.cuh"

constexpr int kRouteThreads = 256;

// Bits that compare as unsigned numbers like the values compare; both zeros are equal, NaN is -infinity.
__device__ __forceinline__ uint32 ordered_bits(const float value) {
    const uint32 bits = __float_as_uint(value != value ? -infinity() : value + 0.0f);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

// The softmax of one row, known by what its exponentials are relative to and their sum.
struct Softmax {
    float largest;
    float sum;

    __device__ __forceinline__ float at(const float logit) const { return expf(logit - largest) / sum; }
};

//   logits       [tokens, experts]  f32  read
//   bias         [experts]          f32  read; takes part in the choice only
//   scores       [tokens, experts]  f32  written: softmax over all experts
//   top_experts  [tokens, top_k]    i32  written: largest of scores + bias, best first, ties to the lowest
//                                        expert, NaN last
//   probs        [tokens, top_k]    f32  written: scores of the chosen, or softmax over their logits
//
// A lane holds experts lane, lane + 32, ... in registers: experts <= 32 * kPerLane. top_k <= 32 lanes.
template <int kPerLane, bool kTopKThenSoftmax>
__global__ void __launch_bounds__(kRouteThreads)
    route(const float* __restrict__ logits, const float* __restrict__ bias, const int64 tokens,
          const int experts, const int top_k, float* __restrict__ scores, int* __restrict__ top_experts,
          float* __restrict__ probs) {
    constexpr int kWarps = kRouteThreads / kWarpSize;
    const int lane = threadIdx.x % kWarpSize;
    const int64 stride = (int64)gridDim.x * kWarps;
    for (int64 token = (int64)blockIdx.x * kWarps + threadIdx.x / kWarpSize; token < tokens;
         token += stride) {
        const float* __restrict__ row = logits + token * experts;
        float values[kPerLane];
        Softmax softmax = {-infinity(), 0};
#pragma unroll
        for (int i = 0; i < kPerLane; ++i) {
            const int expert = lane + i * kWarpSize;
            values[i] = expert < experts ? row[expert] : -infinity();
            softmax.largest = fmaxf(softmax.largest, values[i]);
        }
        softmax.largest = warp_max(softmax.largest);
#pragma unroll
        for (int i = 0; i < kPerLane; ++i) {
            if (lane + i * kWarpSize < experts) softmax.sum += expf(values[i] - softmax.largest);
        }
        softmax.sum = warp_sum(softmax.sum);
        // The key 0 marks an expert that does not exist or is chosen already; no value has that key.
        uint32 keys[kPerLane];
#pragma unroll
        for (int i = 0; i < kPerLane; ++i) {
            const int expert = lane + i * kWarpSize;
            keys[i] = 0;
            if (expert < experts) {
                const float score = softmax.at(values[i]);
                scores[token * experts + expert] = score;
                keys[i] = ordered_bits(score + bias[expert]);
            }
        }
        int chosen = 0;  // in lane i, choice i
        for (int choice = 0; choice < top_k; ++choice) {
            uint32 best = 0;
            int best_expert = experts;
#pragma unroll
            for (int i = 0; i < kPerLane; ++i) {
                if (keys[i] > best) {
                    best = keys[i];
                    best_expert = lane + i * kWarpSize;
                }
            }
            const uint32 largest = __reduce_max_sync(kFullWarp, best);
            const int winner = __reduce_min_sync(kFullWarp, best == largest ? best_expert : experts);
#pragma unroll
            for (int i = 0; i < kPerLane; ++i) {
                if (lane + i * kWarpSize == winner) keys[i] = 0;
            }
            if (lane == choice) chosen = winner;
        }
        const float logit = row[chosen];
        float prob = softmax.at(logit);
        if constexpr (kTopKThenSoftmax) {
            float sum = 0;
            for (int i = 0; i < top_k; ++i) sum += expf(__shfl_sync(kFullWarp, logit, i) - logit);
            prob = 1 / sum;
        }
        if (lane < top_k) {
            top_experts[token * top_k + lane] = chosen;
            probs[token * top_k + lane] = prob;
        }
    }
}

//   scores       [tokens, experts]  f32  read
//   top_experts  [tokens, top_k]    i32  read; different experts
//   probs        [tokens, top_k]    f32  read
//   d_probs      [tokens, top_k]    f32  read
//   d_logits     [tokens, experts]  f32  added to
template <bool kTopKThenSoftmax>
__global__ void __launch_bounds__(kRouteThreads)
    route_backward(const float* __restrict__ scores, const int* __restrict__ top_experts,
                   const float* __restrict__ probs, const float* __restrict__ d_probs, const int64 tokens,
                   const int experts, const int top_k, float* __restrict__ d_logits) {
    constexpr int kWarps = kRouteThreads / kWarpSize;
    const int lane = threadIdx.x % kWarpSize;
    const int64 stride = (int64)gridDim.x * kWarps;
    for (int64 token = (int64)blockIdx.x * kWarps + threadIdx.x / kWarpSize; token < tokens;
         token += stride) {
        float* __restrict__ into = d_logits + token * experts;
        const bool chooses = lane < top_k;
        const float prob = chooses ? probs[token * top_k + lane] : 0;
        const float slope = chooses ? d_probs[token * top_k + lane] : 0;
        const float mean = warp_sum(prob * slope);
        if (chooses) {
            into[top_experts[token * top_k + lane]] += prob * (kTopKThenSoftmax ? slope - mean : slope);
        }
        if constexpr (!kTopKThenSoftmax) {
            __syncwarp();  // the other lanes' additions to the row come first
            for (int expert = lane; expert < experts; expert += kWarpSize) {
                into[expert] -= scores[token * experts + expert] * mean;
            }
        }
    }
}
