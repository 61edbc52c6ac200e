// peer_meeting.cu: meetings of the ranks of a group, and exchanges small enough to be part of one.
//
//   controls  control block of every rank; written by peers as peer_group.cuh says
//   watch     this rank's state; `lost` is set if a peer does not come
//   in, out   [elements] (gather: out [ranks, elements]) on this rank; may be the same for sum and maximum
//
// Launch: one block, always. Bound: latency; a meeting is one store to and one load from every peer. An
// exchange pushes its elements into a staging slot of every peer. Slots alternate by the parity of the
// meeting: a slot is written again two meetings later, when its owner has come to the meeting between, hence
// has read it. Deterministic: contributions are joined in rank order.
#include "peer_group.cuh"

__global__ void __launch_bounds__(kMaxRanks)
    peer_meeting(const __grid_constant__ Addresses controls, const int rank, const int ranks,
                 Watch* const watch, const int channel, const int operation, const int phase) {
    meet(controls, rank, ranks, watch, {(uint32)channel, (uint32)operation, (uint32)phase});
}

// These two stand before and after what waits for the other ranks, in groups that meet in another way. Each
// is one thread. `wait` is two words of host memory that only this stream writes: a count, which is odd while
// it waits, and the operation that it waits in.
__global__ void peer_wait_begins(volatile uint32* const wait, const int operation) {
    wait[1] = (uint32)operation;
    __threadfence_system();
    wait[0] = wait[0] + 1;
}

// The group is lost from here on if the host has given it up.
__global__ void peer_wait_ends(Watch* const watch, volatile uint32* const wait) {
    wait[0] = wait[0] + 1;
    if (*(const volatile uint32*)watch->abort_word != 0) *(volatile uint32*)&watch->lost = 1;
}

// Sends `in` to all peers and meets them; false if the group is lost.
template <typename Value>
__device__ __forceinline__ bool send_and_meet(const Addresses& controls, const int rank, const int ranks,
                                              Watch* const watch, const Place place, const uint64 parity,
                                              const Value* const in, const int elements) {
    if (!is_lost(watch)) {
        for (int step = 1; step < ranks; ++step) {
            const int peer = (rank + step) % ranks;
            Value* const slot = (Value*)staging(controls.of[peer], ranks, parity, rank);
            for (int i = threadIdx.x; i < elements; i += blockDim.x) slot[i] = in[i];
        }
    }
    return meet(controls, rank, ranks, watch, place);
}

__device__ __forceinline__ uint64 next_parity(const Addresses& controls, const int rank) {
    return (*(volatile uint64*)&((Control*)controls.of[rank])->epoch + 1) & 1;
}

template <typename Value>
__global__ void __launch_bounds__(512)
    peer_exchange_gather(const __grid_constant__ Addresses controls, const int rank, const int ranks,
                         Watch* const watch, const int channel, const int operation, const Value* const in,
                         Value* const out, const int elements) {
    const uint64 parity = next_parity(controls, rank);
    const Place place = {(uint32)channel, (uint32)operation, 0};
    const bool met = send_and_meet(controls, rank, ranks, watch, place, parity, in, elements);
    for (int source = 0; source < ranks; ++source) {
        const Value* const slot = (const Value*)staging(controls.of[rank], ranks, parity, source);
        const Value* const from = source == rank ? in : slot;
        for (int i = threadIdx.x; i < elements; i += blockDim.x) {
            // In a lost group take only what is consistent with this rank's own data.
            out[(int64)source * elements + i] = met || source == rank ? from[i] : Value();
        }
    }
}

template <typename Value, typename Join>
__global__ void __launch_bounds__(512)
    peer_exchange_reduce(const __grid_constant__ Addresses controls, const int rank, const int ranks,
                         Watch* const watch, const int channel, const int operation, Value* const tensor,
                         const int elements) {
    using Sum = typename Numbers<Value>::Sum;
    const uint64 parity = next_parity(controls, rank);
    const Place place = {(uint32)channel, (uint32)operation, 0};
    const bool met = send_and_meet<Value>(controls, rank, ranks, watch, place, parity, tensor, elements);
    for (int i = threadIdx.x; i < elements; i += blockDim.x) {
        const Value own = tensor[i];
        if (!met) {
            tensor[i] = Join::lost(own);
            continue;
        }
        Sum sum = Sum();
        for (int source = 0; source < ranks; ++source) {
            const Value* const slot = (const Value*)staging(controls.of[rank], ranks, parity, source);
            const Sum value = Numbers<Value>::widen(source == rank ? own : slot[i]);
            sum = source == 0 ? value : Join::join(sum, value);
        }
        tensor[i] = Numbers<Value>::narrow(sum);
    }
}
