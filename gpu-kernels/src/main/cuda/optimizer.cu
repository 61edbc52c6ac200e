// optimizer.cu: squared norm of a gradient, and AdamW.
#include "pack.cuh"
#include "sums.cuh"

constexpr int kOptimizerThreads = 256;

//   gradient  [count]      f32  read
//   parts     [gridDim.x]  f64  written: sum of squares of a block's elements
//
// Launch: grid of any size, blocks of kOptimizerThreads; then add_terms over the parts. Bound: memory.
// Deterministic: fixed order, given the grid.
__global__ void __launch_bounds__(kOptimizerThreads, 4)
    sum_squares(const float* __restrict__ gradient, const int64 count, double* __restrict__ parts) {
    const Words<float> span(gradient, count);
    const int64 thread = (int64)blockIdx.x * kOptimizerThreads + threadIdx.x;
    const int64 stride = (int64)gridDim.x * kOptimizerThreads;
    double sum = 0;
#pragma unroll 4
    for (int64 i = thread; i < span.words; i += stride) {
        float values[4];
        load_pack(gradient + span.first + i * 4, values);
        sum += (double)values[0] * values[0] + (double)values[1] * values[1];
        sum += (double)values[2] * values[2] + (double)values[3] * values[3];
    }
    if (thread < span.first) sum += (double)gradient[thread] * gradient[thread];
    if (thread < count - span.end) sum += (double)gradient[span.end + thread] * gradient[span.end + thread];
    sum = block_sum<kOptimizerThreads>(sum);
    if (threadIdx.x == 0) parts[blockIdx.x] = sum;
}

// What an update is made of, the same for all elements.
struct Update {
    float clip;
    float beta1;
    float beta2;
    float new1;
    float new2;
    float step;          // learning rate / (1 - beta1^t)
    float second_scale;  // 1 / (1 - beta2^t)
    float epsilon;
    float decay;  // learning rate * weight decay

    __device__ __forceinline__ void apply(float& master, const float raw, float& first, float& second) const {
        const float gradient = raw * clip;
        first = beta1 * first + new1 * gradient;
        second = beta2 * second + new2 * gradient * gradient;
        master = master - decay * master - step * first / (sqrtf(second * second_scale) + epsilon);
    }
};

//   master, first, second  [count]  f32   updated
//   gradient               [count]  f32   read
//   weight                 [count]  Real  written with the new master; may be the same memory as master
//   counters               [4]      i64   read: [1] is the number of updates so far
//   apply                  [1]      i32   read: nothing happens unless it is 1
//   learning_rate, clip    [1]      f64   read
//
// Launch: grid of any size, blocks of kOptimizerThreads. Bound: memory, 28 to 32 bytes per element.
// Deterministic: one thread per element.
template <typename Real>
__global__ void __launch_bounds__(kOptimizerThreads, 4)
    adam_w(float* master, const float* __restrict__ gradient, float* __restrict__ first,
           float* __restrict__ second, Real* weight, const int64 count, const int64* __restrict__ counters,
           const int* __restrict__ apply, const double* __restrict__ learning_rate,
           const double* __restrict__ clip, const double beta1, const double beta2, const double epsilon,
           const double weight_decay) {
    if (apply[0] != 1) return;
    __shared__ Update shared_update;
    if (threadIdx.x == 0) {
        const double updates = (double)(counters[1] + 1);
        const double rate = learning_rate[0];
        shared_update = {(float)clip[0],
                         (float)beta1,
                         (float)beta2,
                         (float)(1 - beta1),
                         (float)(1 - beta2),
                         (float)(rate / (1 - pow(beta1, updates))),
                         (float)(1 / (1 - pow(beta2, updates))),
                         (float)epsilon,
                         (float)(rate * weight_decay)};
    }
    __syncthreads();
    const Update update = shared_update;
    const int64 thread = (int64)blockIdx.x * kOptimizerThreads + threadIdx.x;
    const int64 stride = (int64)gridDim.x * kOptimizerThreads;
    const bool packed = packable(master, gradient, first, second, weight);
    const int64 fours = packed ? count / 4 : 0;
#pragma unroll 2
    for (int64 i = thread; i < fours; i += stride) {
        float masters[4];
        float gradients[4];
        float firsts[4];
        float seconds[4];
        load_pack(master + i * 4, masters);
        load_pack(gradient + i * 4, gradients);
        load_pack(first + i * 4, firsts);
        load_pack(second + i * 4, seconds);
#pragma unroll
        for (int j = 0; j < 4; ++j) update.apply(masters[j], gradients[j], firsts[j], seconds[j]);
        store_pack(master + i * 4, masters);
        store_pack(first + i * 4, firsts);
        store_pack(second + i * 4, seconds);
        store_four(weight + i * 4, masters);
    }
    for (int64 i = fours * 4 + thread; i < count; i += stride) {
        float value = master[i];
        update.apply(value, gradient[i], first[i], second[i]);
        master[i] = value;
        weight[i] = from_float<Real>(value);
    }
}
