// peer_tensors.cu: gathering and reducing whole tensors that lie on every rank. Each kernel runs between two
// meetings: before it all inputs are complete, after it everybody has read them and written its results.
//
// Bound: links between devices. Deterministic: contributions are joined in rank order.
#include "peer_group.cuh"

// out [ranks, elements] becomes every rank's `in` [elements].
//
//   in   [elements]         values moved as Value, of every rank; read
//   out  [ranks, elements]  on this rank; written
//
// Launch: 2-D, any number of blocks by ranks.
template <typename Value>
__global__ void peer_gather(const __grid_constant__ Addresses in, const int rank, const int ranks,
                            const Watch* const watch, Value* const out, const int64 elements) {
    // Ranks start with different peers, so that not all of them read from one.
    const int source = (rank + (int)blockIdx.y) % ranks;
    const bool usable = source == rank || !is_lost(watch);
    const Value* const from = (const Value*)in.of[source];
    Value* const to = out + source * elements;
    const int64 stride = (int64)gridDim.x * blockDim.x;
    for (int64 i = (int64)blockIdx.x * blockDim.x + threadIdx.x; i < elements; i += stride) {
        to[i] = usable ? from[i] : Value();
    }
}

// Elements [first, first + count) of `tensor` become their join over all ranks, on all ranks. No other rank
// touches them meanwhile. In a lost group all of this rank's tensor is marked instead.
//
//   tensor  [elements] of every rank; read and written
//   first   a multiple of kCount
//
// Launch: 1-D grid of any size.
template <typename Value, typename Join, int kCount>
__global__ void __launch_bounds__(256)
    peer_reduce(const __grid_constant__ Addresses tensor, const int rank, const int ranks,
                const Watch* const watch, const int64 first, const int64 count, const int64 elements) {
    using Sum = typename Numbers<Value>::Sum;
    constexpr int kAtOnce = 8;
    const int64 thread = (int64)blockIdx.x * blockDim.x + threadIdx.x;
    const int64 stride = (int64)gridDim.x * blockDim.x;
    if (is_lost(watch)) {
        Value* const own = (Value*)tensor.of[rank];
        for (int64 i = thread; i < elements; i += stride) own[i] = Join::lost(own[i]);
        return;
    }
    const int64 packs = count / kCount;
    for (int64 pack = thread; pack < packs; pack += stride) {
        const int64 at = first + pack * kCount;
        Sum sums[kCount];
        for (int base = 0; base < ranks; base += kAtOnce) {
            Pack<Value, kCount> parts[kAtOnce];
#pragma unroll
            for (int i = 0; i < kAtOnce; ++i) {
                if (base + i < ranks) parts[i].load((const Value*)tensor.of[base + i] + at);
            }
#pragma unroll
            for (int i = 0; i < kAtOnce; ++i) {
                if (base + i >= ranks) continue;
#pragma unroll
                for (int k = 0; k < kCount; ++k) {
                    const Sum value = Numbers<Value>::widen(parts[i].values[k]);
                    sums[k] = base + i == 0 ? value : Join::join(sums[k], value);
                }
            }
        }
        Pack<Value, kCount> result;
#pragma unroll
        for (int k = 0; k < kCount; ++k) result.values[k] = Numbers<Value>::narrow(sums[k]);
        for (int step = 0; step < ranks; ++step) {
            int target = rank + step;
            if (target >= ranks) target -= ranks;
            result.store((Value*)tensor.of[target] + at);
        }
    }
    if constexpr (kCount > 1) {
        for (int64 i = first + packs * kCount + thread; i < first + count; i += stride) {
            Sum sum = Sum();
            for (int source = 0; source < ranks; ++source) {
                const Sum value = Numbers<Value>::widen(((const Value*)tensor.of[source])[i]);
                sum = source == 0 ? value : Join::join(sum, value);
            }
            for (int target = 0; target < ranks; ++target) {
                ((Value*)tensor.of[target])[i] = Numbers<Value>::narrow(sum);
            }
        }
    }
}
