// cross_entropy.cu: cross-entropy of rows of logits, and its gradient in place.
//
// A row is read once for its maximum and its sum of exponentials together, and once more for the gradient,
// by then mostly from the L2 cache.
#include "pack.cuh"
#include "sums.cuh"

constexpr int kNoTarget = -1;

// Below any logit, yet finite, so that differences with -infinity are no NaN.
constexpr float kLowest = -1e30f;

// exp(value - largest), exactly 1 for the largest. For bf16 the error of the hardware's exp2 is far below a
// rounding.
template <typename Real>
__device__ __forceinline__ float exp_below(const float value, const float largest);

template <>
__device__ __forceinline__ float exp_below<float>(const float value, const float largest) {
    return expf(value - largest);
}

template <>
__device__ __forceinline__ float exp_below<bf16>(const float value, const float largest) {
    constexpr float kLog2E = 1.4426950408889634f;
    float result;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"((value - largest) * kLog2E));
    return result;
}

// The sum of exponentials of some logits relative to the largest of them.
template <typename Real>
struct Exponentials {
    float largest = kLowest;
    float sum = 0;

    template <int kCount>
    __device__ __forceinline__ void add(const float (&values)[kCount]) {
        float above = largest;
#pragma unroll
        for (int i = 0; i < kCount; ++i) above = fmaxf(above, values[i]);
        if (above > largest) {
            sum *= exp_below<Real>(largest, above);
            largest = above;
        }
#pragma unroll
        for (int i = 0; i < kCount; ++i) sum += exp_below<Real>(values[i], largest);
    }
};

constexpr int kRowsPerBlock = 8;  // of short rows
constexpr int kRowThreads = 512;  // of long rows

// Loss of one row by the threads of a warp or of a block; `lane` counts them. All of them must call it. A
// target outside the vocabulary makes the loss NaN. With kGradient, `row` is overwritten with its gradient.
template <typename Real, int kThreads, bool kGradient>
__device__ __forceinline__ double cross_entropy_of_row(Real* __restrict__ row, const int lane,
                                                       const int64 vocabulary, const int target,
                                                       const double count) {
    const Words<Real> span(row, vocabulary);
    const bool counts = target != kNoTarget;
    const bool known = target >= 0 && target < vocabulary;
    const bool has_gradient = counts && count != 0;
    double loss = 0;
    Exponentials<Real> own;
    if (counts) {
        const float expected = known ? to_float(row[target]) : not_a_number();
        for (int64 i = lane; i < span.first; i += kThreads) {
            const float values[1] = {to_float(row[i])};
            own.add(values);
        }
#pragma unroll 4
        for (int64 word = lane; word < span.words; word += kThreads) {
            float values[kPack<Real>];
            load_pack(row + span.first + word * kPack<Real>, values);
            own.add(values);
        }
        for (int64 i = span.end + lane; i < vocabulary; i += kThreads) {
            const float values[1] = {to_float(row[i])};
            own.add(values);
        }
        float largest;
        if constexpr (kThreads == kWarpSize) {
            largest = warp_max(own.largest);
            own.sum = warp_sum(own.sum * exp_below<Real>(own.largest, largest));
        } else {
            largest = block_max<kThreads>(own.largest);
            own.sum = block_sum<kThreads>(own.sum * exp_below<Real>(own.largest, largest));
        }
        own.largest = largest;
        if (lane == 0) loss = (double)largest + log((double)own.sum) - (double)expected;
    }
    if constexpr (kGradient) {
        // The target's logit has been read by now: the block's sums are barriers, this is the warp's.
        if constexpr (kThreads == kWarpSize) __syncwarp();
        const float scale = has_gradient ? (float)(1 / ((double)own.sum * count)) : 0;
        const float share = has_gradient ? (float)(1 / count) : 0;
        if (!has_gradient) {
            for (int64 i = lane; i < span.first; i += kThreads) row[i] = from_float<Real>(0);
            for (int64 word = lane; word < span.words; word += kThreads) {
                store_word(row + span.first + word * kPack<Real>, make_uint4(0, 0, 0, 0));
            }
            for (int64 i = span.end + lane; i < vocabulary; i += kThreads) row[i] = from_float<Real>(0);
            return loss;
        }
        const auto gradient = [&](const float value, const bool is_target) {
            const float part = exp_below<Real>(value, own.largest) * scale;
            return is_target ? part - share : part;
        };
        for (int64 i = lane; i < span.first; i += kThreads) {
            row[i] = from_float<Real>(gradient(to_float(row[i]), i == target));
        }
#pragma unroll 2
        for (int64 word = lane; word < span.words; word += kThreads) {
            const int64 at = span.first + word * kPack<Real>;
            float values[kPack<Real>];
            load_pack(row + at, values);
            const int64 place = target - at;
#pragma unroll
            for (int i = 0; i < kPack<Real>; ++i) values[i] = gradient(values[i], i == place);
            store_pack(row + at, values);
        }
        for (int64 i = span.end + lane; i < vocabulary; i += kThreads) {
            row[i] = from_float<Real>(gradient(to_float(row[i]), i == target));
        }
    }
    return loss;
}

//   logits        [rows, vocabulary]  Real  read; with kGradient then written with
//                                           (softmax - onehot) / target_count, zeros where the target is -1
//                                           or target_count is 0
//   targets       [rows]              i32   read
//   target_count  [1]                 f64   read with kGradient
//   losses        [rows]              f64   written, for add_terms; 0 where the target is -1
//
// Launch: one block of kRowThreads per row. Bound: memory. Deterministic: fixed order within a row.
template <typename Real, bool kGradient>
__global__ void __launch_bounds__(kRowThreads)
    cross_entropy(Real* __restrict__ logits, const int* __restrict__ targets,
                  const double* __restrict__ target_count, const int64 rows, const int64 vocabulary,
                  double* __restrict__ losses) {
    const double count = kGradient ? target_count[0] : 0;
    const int64 row = blockIdx.x;
    if (row >= rows) return;
    const double loss = cross_entropy_of_row<Real, kRowThreads, kGradient>(
        logits + row * vocabulary, (int)threadIdx.x, vocabulary, targets[row], count);
    if (threadIdx.x == 0) losses[row] = loss;
}

// Twin of cross_entropy for short rows.
//
// Launch: one block of kRowsPerBlock warps per kRowsPerBlock rows.
template <typename Real, bool kGradient>
__global__ void __launch_bounds__(kRowsPerBlock* kWarpSize)
    cross_entropy_short(Real* __restrict__ logits, const int* __restrict__ targets,
                        const double* __restrict__ target_count, const int64 rows, const int64 vocabulary,
                        double* __restrict__ losses) {
    const double count = kGradient ? target_count[0] : 0;
    const int lane = threadIdx.x % kWarpSize;
    const int64 row = (int64)blockIdx.x * kRowsPerBlock + threadIdx.x / kWarpSize;
    if (row >= rows) return;
    const double loss = cross_entropy_of_row<Real, kWarpSize, kGradient>(logits + row * vocabulary, lane,
                                                                         vocabulary, targets[row], count);
    if (lane == 0) losses[row] = loss;
}
