// rms_norm.cu: root-mean-square norm y = x / sqrt(mean(x^2) + epsilon) * weight, and its backward.
#include "pack.cuh"
#include "reduce.cuh"

constexpr int kNormThreads = 256;

// Words of a row that a thread keeps in registers between the passes over it; it reads further ones again.
constexpr int kHeldWords = 8;

// Sum over the kThreadsPerRow threads of a row, in each of them: a warp, or the whole block.
template <int kThreadsPerRow>
__device__ __forceinline__ float row_sum(const float value) {
    if constexpr (kThreadsPerRow == kWarpSize) {
        return warp_sum(value);
    } else {
        static_assert(kThreadsPerRow == kNormThreads, "a row has a warp or a block");
        return block_sum<kNormThreads>(value);
    }
}

__device__ __forceinline__ float inverse_root(const float squares, const int64 hidden, const float epsilon) {
    return 1 / sqrtf(squares / (float)hidden + epsilon);
}

template <typename Real>
__device__ __forceinline__ float add_squares(const uint4 word, float sum) {
    float values[kPack<Real>];
    unpack<Real>(word, values);
#pragma unroll
    for (int i = 0; i < kPack<Real>; ++i) sum += values[i] * values[i];
    return sum;
}

template <typename Real>
__device__ __forceinline__ uint4 normalize(const uint4 word, const uint4 weight_word, const float inverse) {
    float values[kPack<Real>];
    float weights[kPack<Real>];
    unpack<Real>(word, values);
    unpack<Real>(weight_word, weights);
#pragma unroll
    for (int i = 0; i < kPack<Real>; ++i) values[i] = values[i] * inverse * weights[i];
    return pack<Real>(values);
}

//   x            [rows, hidden]  Real  read
//   weight       [hidden]        Real  read
//   y            [rows, hidden]  Real  written
//   inverse_rms  [rows]          f32   written
//
// Launch: grid of any size, blocks of kNormThreads; kThreadsPerRow is 32 (best while a warp's registers hold
// a row) or kNormThreads. Bound: memory. Deterministic: fixed order of each row's sum.
template <typename Real, int kThreadsPerRow>
__global__ void __launch_bounds__(kNormThreads)
    rms_norm(const Real* __restrict__ x, const Real* __restrict__ weight, const int64 rows,
             const int64 hidden, const float epsilon, Real* __restrict__ y, float* __restrict__ inverse_rms) {
    constexpr int kRows = kNormThreads / kThreadsPerRow;
    const int lane = threadIdx.x % kThreadsPerRow;
    const bool packed = packable(x, weight, y) && hidden % kPack<Real> == 0;
    const int64 stride = (int64)gridDim.x * kRows;
    for (int64 row = (int64)blockIdx.x * kRows + threadIdx.x / kThreadsPerRow; row < rows; row += stride) {
        const Real* __restrict__ from = x + row * hidden;
        Real* __restrict__ to = y + row * hidden;
        float squares = 0;
        float inverse;
        if (packed) {
            const int64 words = hidden / kPack<Real>;
            const int64 rest = lane + (int64)kHeldWords * kThreadsPerRow;
            uint4 held[kHeldWords];
#pragma unroll
            for (int i = 0; i < kHeldWords; ++i) {
                const int64 word = lane + i * kThreadsPerRow;
                if (word < words) held[i] = load_word(from + word * kPack<Real>);
            }
#pragma unroll
            for (int i = 0; i < kHeldWords; ++i) {
                if (lane + i * kThreadsPerRow < words) squares = add_squares<Real>(held[i], squares);
            }
            for (int64 word = rest; word < words; word += kThreadsPerRow) {
                squares = add_squares<Real>(load_word(from + word * kPack<Real>), squares);
            }
            inverse = inverse_root(row_sum<kThreadsPerRow>(squares), hidden, epsilon);
#pragma unroll
            for (int i = 0; i < kHeldWords; ++i) {
                const int64 word = lane + i * kThreadsPerRow;
                if (word < words) {
                    const uint4 weights = load_word(weight + word * kPack<Real>);
                    store_word(to + word * kPack<Real>, normalize<Real>(held[i], weights, inverse));
                }
            }
            for (int64 word = rest; word < words; word += kThreadsPerRow) {
                const uint4 again = load_word(from + word * kPack<Real>);
                const uint4 weights = load_word(weight + word * kPack<Real>);
                store_word(to + word * kPack<Real>, normalize<Real>(again, weights, inverse));
            }
        } else {
            for (int64 i = lane; i < hidden; i += kThreadsPerRow) {
                const float value = to_float(from[i]);
                squares += value * value;
            }
            inverse = inverse_root(row_sum<kThreadsPerRow>(squares), hidden, epsilon);
            for (int64 i = lane; i < hidden; i += kThreadsPerRow) {
                to[i] = from_float<Real>(to_float(from[i]) * inverse * to_float(weight[i]));
            }
        }
        if (lane == 0) inverse_rms[row] = inverse;
    }
}

// Words of a row that a thread keeps between the passes of the backward.
constexpr int kHeldBackward = 2;

template <typename Real>
__device__ __forceinline__ float add_products(const uint4 x_word, const uint4 d_y_word, const Real* weight,
                                              float sum) {
    float values[kPack<Real>];
    float slopes[kPack<Real>];
    float weights[kPack<Real>];
    unpack<Real>(x_word, values);
    unpack<Real>(d_y_word, slopes);
    load_pack(weight, weights);
#pragma unroll
    for (int i = 0; i < kPack<Real>; ++i) sum += slopes[i] * weights[i] * values[i];
    return sum;
}

// Adds the gradient of one word of x to `d_x_word`, and that of its weights to the thread's own sums, which
// lie a block of words apart so that a warp's accesses touch all banks.
template <typename Real>
__device__ __forceinline__ uint4 add_gradients(const uint4 x_word, const uint4 d_y_word, const uint4 d_x_word,
                                               const Real* weight, const float inverse, const float along,
                                               float4* sums) {
    float values[kPack<Real>];
    float slopes[kPack<Real>];
    float into[kPack<Real>];
    float weights[kPack<Real>];
    unpack<Real>(x_word, values);
    unpack<Real>(d_y_word, slopes);
    unpack<Real>(d_x_word, into);
    load_pack(weight, weights);
#pragma unroll
    for (int i = 0; i < kPack<Real>; i += 4) {
        float4 sum = sums[i / 4 * kNormThreads];
        sum.x += slopes[i] * values[i] * inverse;
        sum.y += slopes[i + 1] * values[i + 1] * inverse;
        sum.z += slopes[i + 2] * values[i + 2] * inverse;
        sum.w += slopes[i + 3] * values[i + 3] * inverse;
        sums[i / 4 * kNormThreads] = sum;
    }
#pragma unroll
    for (int i = 0; i < kPack<Real>; ++i) {
        into[i] += inverse * slopes[i] * weights[i] - values[i] * along;
    }
    return pack<Real>(into);
}

//   x            [rows, hidden]       Real  read
//   weight       [hidden]             Real  read
//   inverse_rms  [rows]               f32   read
//   d_y          [rows, hidden]       Real  read
//   d_x          [rows, hidden]       Real  added to
//   partials     [gridDim.x, hidden]  f32   written: each block's part of the gradient of the weight
//
// Launch: grid of at most `rows` blocks of kNormThreads; dynamic shared memory: an fp32 per column, columns
// rounded up to kNormThreads words of Real. Bound: memory. Deterministic: a block adds its rows in ascending
// order, and the rows of a block follow from the size of the grid.
template <typename Real>
__host__ __device__ constexpr int rms_norm_backward_shared_bytes(const int hidden) {
    return (hidden + kNormThreads * kPack<Real> - 1) / (kNormThreads * kPack<Real>)*kNormThreads *
           kPack<Real> * (int)sizeof(float);
}

template <typename Real>
__global__ void __launch_bounds__(kNormThreads)
    rms_norm_backward(const Real* __restrict__ x, const Real* __restrict__ weight,
                      const float* __restrict__ inverse_rms, const Real* __restrict__ d_y, const int64 rows,
                      const int64 hidden, Real* __restrict__ d_x, float* __restrict__ partials) {
    // Only the thread that owns a column touches its sum, so that no barrier guards them.
    extern __shared__ float4 all_sums[];
    constexpr int kFours = kPack<Real> / 4;
    float4* const sums = all_sums + threadIdx.x;
    float* const column_sums = reinterpret_cast<float*>(all_sums) + threadIdx.x;
    const int thread = (int)threadIdx.x;
    const bool packed = packable(x, weight, d_y, d_x) && hidden % kPack<Real> == 0;
    const int64 words = hidden / kPack<Real>;
    if (packed) {
        for (int64 word = thread, i = 0; word < words; word += kNormThreads, ++i) {
            for (int j = 0; j < kFours; ++j) {
                sums[(i * kFours + j) * kNormThreads] = make_float4(0, 0, 0, 0);
            }
        }
    } else {
        for (int64 i = 0; thread + i < hidden; i += kNormThreads) column_sums[i] = 0;
    }
    for (int64 row = blockIdx.x; row < rows; row += gridDim.x) {
        const Real* __restrict__ from = x + row * hidden;
        const Real* __restrict__ slope = d_y + row * hidden;
        Real* __restrict__ into = d_x + row * hidden;
        const float inverse = inverse_rms[row];
        const float squared = inverse * inverse;
        float dot = 0;
        if (packed) {
            uint4 x_words[kHeldBackward];
            uint4 d_y_words[kHeldBackward];
            uint4 d_x_words[kHeldBackward];
            const int64 rest = thread + kHeldBackward * kNormThreads;
#pragma unroll
            for (int i = 0; i < kHeldBackward; ++i) {
                const int64 at = (thread + (int64)i * kNormThreads) * kPack<Real>;
                if (at < hidden) {
                    x_words[i] = load_word(from + at);
                    d_y_words[i] = load_word(slope + at);
                    d_x_words[i] = load_word(into + at);
                }
            }
#pragma unroll
            for (int i = 0; i < kHeldBackward; ++i) {
                const int64 at = (thread + (int64)i * kNormThreads) * kPack<Real>;
                if (at < hidden) dot = add_products<Real>(x_words[i], d_y_words[i], weight + at, dot);
            }
            for (int64 word = rest; word < words; word += kNormThreads) {
                const int64 at = word * kPack<Real>;
                dot = add_products<Real>(load_word(from + at), load_word(slope + at), weight + at, dot);
            }
            const float along = block_sum<kNormThreads>(dot) * squared * inverse / (float)hidden;
#pragma unroll
            for (int i = 0; i < kHeldBackward; ++i) {
                const int64 at = (thread + (int64)i * kNormThreads) * kPack<Real>;
                if (at < hidden) {
                    store_word(into + at,
                               add_gradients<Real>(x_words[i], d_y_words[i], d_x_words[i], weight + at,
                                                   inverse, along, sums + i * kFours * kNormThreads));
                }
            }
            for (int64 word = rest, i = kHeldBackward; word < words; word += kNormThreads, ++i) {
                const int64 at = word * kPack<Real>;
                store_word(into + at, add_gradients<Real>(load_word(from + at), load_word(slope + at),
                                                          load_word(into + at), weight + at, inverse, along,
                                                          sums + i * kFours * kNormThreads));
            }
        } else {
            for (int64 i = thread; i < hidden; i += kNormThreads) {
                dot += to_float(slope[i]) * to_float(weight[i]) * to_float(from[i]);
            }
            const float along = block_sum<kNormThreads>(dot) * squared * inverse / (float)hidden;
            for (int64 i = 0; thread + i < hidden; i += kNormThreads) {
                const float value = to_float(from[thread + i]);
                const float gradient = to_float(slope[thread + i]);
                column_sums[i] += gradient * value * inverse;
                const float change = inverse * gradient * to_float(weight[thread + i]) - value * along;
                into[thread + i] = from_float<Real>(to_float(into[thread + i]) + change);
            }
        }
    }
    float* __restrict__ partial = partials + blockIdx.x * hidden;
    if (packed) {
        for (int64 word = thread, i = 0; word < words; word += kNormThreads, ++i) {
            for (int j = 0; j < kFours; ++j) {
                const float4 sum = sums[(i * kFours + j) * kNormThreads];
                const int64 at = word * kPack<Real> + j * 4;
                partial[at] = sum.x;
                partial[at + 1] = sum.y;
                partial[at + 2] = sum.z;
                partial[at + 3] = sum.w;
            }
        }
    } else {
        for (int64 i = 0; thread + i < hidden; i += kNormThreads) partial[thread + i] = column_sums[i];
    }
}

constexpr int kColumnsPerBlock = kWarpSize;
constexpr int kPartGroups = 32;

//   partials  [parts, hidden]  f32  read
//   d_weight  [hidden]         f32  added to
//
// Launch: a block of kColumnsPerBlock * kPartGroups threads per kColumnsPerBlock columns. Bound: latency.
// Deterministic: a warp adds every kPartGroups-th part, then the warps are added in order.
__global__ void __launch_bounds__(kColumnsPerBlock* kPartGroups)
    add_weight_gradients(const float* __restrict__ partials, const int parts, const int64 hidden,
                         float* __restrict__ d_weight) {
    __shared__ float group_sums[kPartGroups][kColumnsPerBlock];
    const int lane = threadIdx.x % kColumnsPerBlock;
    const int group = threadIdx.x / kColumnsPerBlock;
    const int64 column = (int64)blockIdx.x * kColumnsPerBlock + lane;
    float sum = 0;
    if (column < hidden) {
#pragma unroll 4
        for (int part = group; part < parts; part += kPartGroups) sum += partials[part * hidden + column];
    }
    group_sums[group][lane] = sum;
    __syncthreads();
    if (group > 0 || column >= hidden) return;
    float total = group_sums[0][lane];
    for (int i = 1; i < kPartGroups; ++i) total += group_sums[i][lane];
    d_weight[column] += total;
}
