// swiglu.cu: out = silu(gate) * up, of rows or of expert rows weighted with a probability, and backward.
//
// Launch of all kernels: grid of any size, blocks of kGluThreads; a warp per row, striding. Bound: memory.
// Deterministic: one thread per element; a row's sum has a fixed order.
#include "pack.cuh"
#include "reduce.cuh"

constexpr int kGluThreads = 256;

// In fp32 mode accurate to the last bits; for bf16 the hardware's approximations are far below a rounding.
template <typename Real>
__device__ __forceinline__ float sigmoid(const float x);

template <>
__device__ __forceinline__ float sigmoid<float>(const float x) {
    return 1 / (1 + expf(-x));
}

template <>
__device__ __forceinline__ float sigmoid<bf16>(const float x) {
    return __fdividef(1, 1 + __expf(-x));
}

template <typename Real>
__device__ __forceinline__ float glu(const float gate, const float up, const float prob) {
    return gate * sigmoid<Real>(gate) * up * prob;
}

// Gradients of one element; returns its part of the gradient of the row's probability.
template <typename Real>
__device__ __forceinline__ float glu_backward(float& gate, float& up, const float slope, const float prob) {
    const float share = sigmoid<Real>(gate);
    const float silu = gate * share;
    const float of_prob = slope * silu * up;
    const float weighted = slope * prob;
    gate = weighted * up * (share * (1 + gate * (1 - share)));
    up = weighted * silu;
    return of_prob;
}

// Rows in play: the sum of the counts, at most `capacity`. All lanes of a warp must call it.
__device__ __forceinline__ int64 live_rows(const int* __restrict__ row_counts, const int experts,
                                           const int64 capacity) {
    int64 rows = 0;
    for (int expert = threadIdx.x % kWarpSize; expert < experts; expert += kWarpSize) {
        rows += row_counts[expert];
    }
    rows = warp_sum(rows);
    return rows < capacity ? rows : capacity;
}

template <typename Real, bool kExpert>
__device__ __forceinline__ void glu_rows(const Real* __restrict__ gate_up,
                                         const float* __restrict__ row_probs, const int64 rows,
                                         const int64 ffn, Real* __restrict__ out) {
    constexpr int kWarps = kGluThreads / kWarpSize;
    const int lane = threadIdx.x % kWarpSize;
    const bool packed = packable(gate_up, out) && ffn % kPack<Real> == 0;
    const int64 stride = (int64)gridDim.x * kWarps;
    for (int64 row = (int64)blockIdx.x * kWarps + threadIdx.x / kWarpSize; row < rows; row += stride) {
        const float prob = kExpert ? row_probs[row] : 1;
        const Real* __restrict__ gates = gate_up + row * 2 * ffn;
        const Real* __restrict__ ups = gates + ffn;
        Real* __restrict__ to = out + row * ffn;
        if (packed) {
#pragma unroll 2
            for (int64 i = lane * kPack<Real>; i < ffn; i += kWarpSize * kPack<Real>) {
                float gate[kPack<Real>];
                float up[kPack<Real>];
                load_pack(gates + i, gate);
                load_pack(ups + i, up);
#pragma unroll
                for (int j = 0; j < kPack<Real>; ++j) gate[j] = glu<Real>(gate[j], up[j], prob);
                store_pack(to + i, gate);
            }
        } else {
            for (int64 i = lane; i < ffn; i += kWarpSize) {
                to[i] = from_float<Real>(glu<Real>(to_float(gates[i]), to_float(ups[i]), prob));
            }
        }
    }
}

template <typename Real, bool kExpert>
__device__ __forceinline__ void glu_rows_backward(const Real* __restrict__ gate_up,
                                                  const float* __restrict__ row_probs,
                                                  const Real* __restrict__ d_out, const int64 rows,
                                                  const int64 ffn, Real* __restrict__ d_gate_up,
                                                  float* __restrict__ d_row_probs) {
    constexpr int kWarps = kGluThreads / kWarpSize;
    const int lane = threadIdx.x % kWarpSize;
    const bool packed = packable(gate_up, d_out, d_gate_up) && ffn % kPack<Real> == 0;
    const int64 stride = (int64)gridDim.x * kWarps;
    for (int64 row = (int64)blockIdx.x * kWarps + threadIdx.x / kWarpSize; row < rows; row += stride) {
        const float prob = kExpert ? row_probs[row] : 1;
        const Real* __restrict__ gates = gate_up + row * 2 * ffn;
        const Real* __restrict__ ups = gates + ffn;
        const Real* __restrict__ slopes = d_out + row * ffn;
        Real* __restrict__ d_gates = d_gate_up + row * 2 * ffn;
        Real* __restrict__ d_ups = d_gates + ffn;
        float of_prob = 0;
        if (packed) {
            for (int64 i = lane * kPack<Real>; i < ffn; i += kWarpSize * kPack<Real>) {
                float gate[kPack<Real>];
                float up[kPack<Real>];
                float slope[kPack<Real>];
                load_pack(gates + i, gate);
                load_pack(ups + i, up);
                load_pack(slopes + i, slope);
#pragma unroll
                for (int j = 0; j < kPack<Real>; ++j) {
                    of_prob += glu_backward<Real>(gate[j], up[j], slope[j], prob);
                }
                store_pack(d_gates + i, gate);
                store_pack(d_ups + i, up);
            }
        } else {
            for (int64 i = lane; i < ffn; i += kWarpSize) {
                float gate = to_float(gates[i]);
                float up = to_float(ups[i]);
                of_prob += glu_backward<Real>(gate, up, to_float(slopes[i]), prob);
                d_gates[i] = from_float<Real>(gate);
                d_ups[i] = from_float<Real>(up);
            }
        }
        if constexpr (kExpert) {
            of_prob = warp_sum(of_prob);
            if (lane == 0) d_row_probs[row] = of_prob;
        }
    }
}

//   gate_up  [rows, 2 * ffn]  Real  read: gate in the first half of a row, up in the second
//   out      [rows, ffn]      Real  written
template <typename Real>
__global__ void __launch_bounds__(kGluThreads, 4)
    swiglu(const Real* __restrict__ gate_up, const int64 rows, const int64 ffn, Real* __restrict__ out) {
    glu_rows<Real, false>(gate_up, nullptr, rows, ffn, out);
}

//   gate_up    [rows, 2 * ffn]  Real  read
//   d_out      [rows, ffn]      Real  read
//   d_gate_up  [rows, 2 * ffn]  Real  written
template <typename Real>
__global__ void __launch_bounds__(kGluThreads, 4)
    swiglu_backward(const Real* __restrict__ gate_up, const Real* __restrict__ d_out, const int64 rows,
                    const int64 ffn, Real* __restrict__ d_gate_up) {
    glu_rows_backward<Real, false>(gate_up, nullptr, d_out, rows, ffn, d_gate_up, nullptr);
}

//   gate_up     [capacity, 2 * ffn]  Real  read; rows beyond the sum of the counts are left alone, here
//                                          and below
//   row_probs   [capacity]           f32   read
//   row_counts  [experts]            i32   read
//   out         [capacity, ffn]      Real  written
template <typename Real>
__global__ void __launch_bounds__(kGluThreads, 4)
    expert_swiglu(const Real* __restrict__ gate_up, const float* __restrict__ row_probs,
                  const int* __restrict__ row_counts, const int experts, const int64 capacity,
                  const int64 ffn, Real* __restrict__ out) {
    glu_rows<Real, true>(gate_up, row_probs, live_rows(row_counts, experts, capacity), ffn, out);
}

//   gate_up      [capacity, 2 * ffn]  Real  read
//   row_probs    [capacity]           f32   read
//   row_counts   [experts]            i32   read
//   d_out        [capacity, ffn]      Real  read
//   d_gate_up    [capacity, 2 * ffn]  Real  written
//   d_row_probs  [capacity]           f32   written
template <typename Real>
__global__ void __launch_bounds__(kGluThreads, 4)
    expert_swiglu_backward(const Real* __restrict__ gate_up, const float* __restrict__ row_probs,
                           const int* __restrict__ row_counts, const int experts,
                           const Real* __restrict__ d_out, const int64 capacity, const int64 ffn,
                           Real* __restrict__ d_gate_up, float* __restrict__ d_row_probs) {
    const int64 rows = live_rows(row_counts, experts, capacity);
    glu_rows_backward<Real, true>(gate_up, row_probs, d_out, rows, ffn, d_gate_up, d_row_probs);
}
