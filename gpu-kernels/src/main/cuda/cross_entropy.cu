// cross_entropy.cu: loss of the next token and its gradient, written over the logits.
//
// Two launches: losses of the rows (one pass for the softmax, one for the gradient), then their sum.
// Bound: memory, each logit read twice and written once. Deterministic: one block per row, fixed orders.
#include "pack.cuh"
#include "sums.cuh"

constexpr int kEntropyThreads = 256;

// A running sum of exponentials, relative to the largest value so far.
struct ExponentialSum {
    float largest;
    float sum;

    __device__ __forceinline__ void add(const float value) {
        if (value <= largest) {
            sum += expf(value - largest);
        } else {
            sum = sum * expf(largest - value) + 1;
            largest = value;
        }
    }
};

// logsumexp over the whole block's values.
__device__ __forceinline__ float log_sum(const ExponentialSum part) {
    const float largest = block_max<kEntropyThreads>(part.largest);
    // A thread without values holds minus infinity; so does a block whose values are all minus infinity.
    const float scaled = part.sum == 0 ? 0 : part.sum * expf(part.largest - largest);
    return largest + logf(block_sum<kEntropyThreads>(scaled));
}

template <typename Real>
__device__ __forceinline__ ExponentialSum sum_row(const Real* __restrict__ row, const int64 vocabulary,
                                                  const bool packed) {
    ExponentialSum part = {-infinity(), 0};
    if (packed) {
        for (int64 i = (int64)threadIdx.x * kPack<Real>; i < vocabulary;
             i += kEntropyThreads * kPack<Real>) {
            float values[kPack<Real>];
            load_pack(row + i, values);
            float largest = values[0];
#pragma unroll
            for (int j = 1; j < kPack<Real>; ++j) largest = fmaxf(largest, values[j]);
            if (largest > part.largest) {
                part.sum *= expf(part.largest - largest);
                part.largest = largest;
            }
#pragma unroll
            for (int j = 0; j < kPack<Real>; ++j) part.sum += expf(values[j] - part.largest);
        }
    } else {
        for (int64 i = threadIdx.x; i < vocabulary; i += kEntropyThreads) part.add(to_float(row[i]));
    }
    return part;
}

template <typename Real>
__device__ __forceinline__ void write_gradient(Real* __restrict__ row, const int64 vocabulary,
                                               const bool packed, const int target, const float total,
                                               const float scale) {
    if (packed) {
        for (int64 i = (int64)threadIdx.x * kPack<Real>; i < vocabulary;
             i += kEntropyThreads * kPack<Real>) {
            float values[kPack<Real>];
            load_pack(row + i, values);
#pragma unroll
            for (int j = 0; j < kPack<Real>; ++j) {
                values[j] = scale == 0 ? 0 : (expf(values[j] - total) - (i + j == target ? 1 : 0)) * scale;
            }
            store_pack(row + i, values);
        }
    } else {
        for (int64 i = threadIdx.x; i < vocabulary; i += kEntropyThreads) {
            const float share = expf(to_float(row[i]) - total) - (i == target ? 1 : 0);
            row[i] = from_float<Real>(scale == 0 ? 0 : share * scale);
        }
    }
}

//   logits        [rows, vocabulary]  Real  read; with kGradient then written with
//                                           (softmax - onehot) / target_count, zeros without a target
//   targets       [rows]              i32   read; -1 for none. One outside the vocabulary makes the loss NaN
//   target_count  [1]                 f64   read with kGradient
//   losses        [rows]              f64   written
//
// Launch: grid of at most `rows` blocks of kEntropyThreads, striding.
template <typename Real, bool kGradient>
__global__ void __launch_bounds__(kEntropyThreads)
    cross_entropy(Real* __restrict__ logits, const int* __restrict__ targets, const int64 rows,
                  const int64 vocabulary, const double* __restrict__ target_count,
                  double* __restrict__ losses) {
    const bool packed = packable(logits) && vocabulary % kPack<Real> == 0;
    const double count = kGradient ? target_count[0] : 1;
    for (int64 row = blockIdx.x; row < rows; row += gridDim.x) {
        Real* __restrict__ values = logits + row * vocabulary;
        const int target = targets[row];
        if (target < 0 && target >= -1) {
            if constexpr (kGradient) write_gradient(values, vocabulary, packed, -1, 0, 0);
            if (threadIdx.x == 0) losses[row] = 0;
            continue;
        }
        const float total = log_sum(sum_row(values, vocabulary, packed));
        if (threadIdx.x == 0) {
            const bool inside = target >= 0 && target < vocabulary;
            const double logit = inside ? (double)to_float(values[target]) : (double)not_a_number();
            losses[row] = (double)total - logit;
        }
        if constexpr (kGradient) {
            __syncthreads();  // the target's logit has been read
            write_gradient(values, vocabulary, packed, target, total,
                           count == 0 ? 0.0f : (float)(1 / count));
        }
    }
}
