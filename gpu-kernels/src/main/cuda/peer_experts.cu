// peer_experts.cu: weights of cloned experts to the slots that hold them, and the slots' gradients home. Each
// kernel runs between two meetings: before it the inputs of all ranks are complete, after it all is done.
//
//   slot_home  [slots]  i32  read; expert of each slot of the group, -1 for none
//
// Bound: links between devices. Deterministic: every element has one writer, which adds slots in ascending
// order.
#include "peer_group.cuh"

// Every used slot of this rank becomes the weights of its expert; other slots stay as they are.
//
//   home   [local_experts, expert_words]    moved as Word, of every rank; read
//   slots  [slots_per_rank, expert_words]  on this rank; written
//
// Launch: 2-D, any number of blocks by slots_per_rank.
template <typename Word>
__global__ void __launch_bounds__(256)
    peer_dispatch_weights(const __grid_constant__ Addresses home, const int* __restrict__ slot_home,
                          Word* __restrict__ slots, const Watch* const watch, const int rank,
                          const int slots_per_rank, const int local_experts, const int64 expert_words) {
    constexpr int kUnroll = 4;
    const int expert = slot_home[rank * slots_per_rank + (int)blockIdx.y];
    if (expert < 0 || is_lost(watch)) return;
    const Word* __restrict__ const from =
        (const Word*)home.of[expert / local_experts] + (expert % local_experts) * expert_words;
    Word* const to = slots + (int64)blockIdx.y * expert_words;
    const int64 stride = (int64)gridDim.x * blockDim.x;
    for (int64 start = (int64)blockIdx.x * blockDim.x + threadIdx.x; start < expert_words;
         start += stride * kUnroll) {
        Word values[kUnroll];
#pragma unroll
        for (int i = 0; i < kUnroll; ++i) {
            if (start + i * stride < expert_words) values[i] = from[start + i * stride];
        }
#pragma unroll
        for (int i = 0; i < kUnroll; ++i) {
            if (start + i * stride < expert_words) to[start + i * stride] = values[i];
        }
    }
}

// The gradients of all slots that hold an expert of this rank are added to it, in the order of the slots.
//
//   slots  [slots_per_rank, expert_packs * kCount]  of every rank; read
//   home   [local_experts, expert_packs * kCount]   on this rank; added
//
// Launch: 2-D, any number of blocks by local_experts; dynamic shared memory of 4 * slots bytes.
__host__ __device__ constexpr int peer_reduce_slots_shared_bytes(const int slots) {
    return slots * (int)sizeof(int);
}

template <typename Real, int kCount>
__global__ void __launch_bounds__(256, 4)
    peer_reduce_slots(const __grid_constant__ Addresses slots, const int* __restrict__ slot_home,
                      Real* __restrict__ home, const Watch* const watch, const int rank, const int slot_count,
                      const int slots_per_rank, const int local_experts, const int64 expert_packs) {
    using Sum = typename Numbers<Real>::Sum;
    constexpr int kAtOnce = 4;
    extern __shared__ int holders[];
    __shared__ int holder_count;
    if (is_lost(watch)) return;
    const int expert = rank * local_experts + (int)blockIdx.y;
    if (threadIdx.x < kWarpLanes) {
        int found = 0;
        for (int first = 0; first < slot_count; first += kWarpLanes) {
            const int slot = first + (int)threadIdx.x;
            const bool holds = slot < slot_count && slot_home[slot] == expert;
            const uint32 all = __ballot_sync(0xffffffffu, holds);
            if (holds) holders[found + __popc(all & ((1u << threadIdx.x) - 1))] = slot;
            found += __popc(all);
        }
        if (threadIdx.x == 0) holder_count = found;
    }
    __syncthreads();
    const int count = holder_count;
    if (count == 0) return;
    Real* const own = home + (int64)blockIdx.y * expert_packs * kCount;
    const int64 stride = (int64)gridDim.x * blockDim.x;
    for (int64 pack = (int64)blockIdx.x * blockDim.x + threadIdx.x; pack < expert_packs; pack += stride) {
        Pack<Real, kCount> result;
        result.load(own + pack * kCount);
        Sum sums[kCount];
#pragma unroll
        for (int k = 0; k < kCount; ++k) sums[k] = Numbers<Real>::widen(result.values[k]);
        for (int base = 0; base < count; base += kAtOnce) {
            Pack<Real, kCount> parts[kAtOnce];
#pragma unroll
            for (int i = 0; i < kAtOnce; ++i) {
                if (base + i >= count) continue;
                const int slot = holders[base + i];
                const Real* const from = (const Real*)slots.of[slot / slots_per_rank] +
                                         (slot % slots_per_rank) * expert_packs * kCount;
                parts[i].load(from + pack * kCount);
            }
#pragma unroll
            for (int i = 0; i < kAtOnce; ++i) {
                if (base + i >= count) continue;
#pragma unroll
                for (int k = 0; k < kCount; ++k) sums[k] += Numbers<Real>::widen(parts[i].values[k]);
            }
        }
#pragma unroll
        for (int k = 0; k < kCount; ++k) result.values[k] = Numbers<Real>::narrow(sums[k]);
        result.store(own + pack * kCount);
    }
}
