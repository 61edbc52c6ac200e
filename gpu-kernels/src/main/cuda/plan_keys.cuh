// plan_keys.cuh: how a lone warp keeps what it works on in registers, and finds the best of its lanes.
#pragma once

#include "plan.cuh"

// Keeps a value in a register: the compiler does not know that a shuffle gives what it got, else it computes
// the value from the kernel's parameters again wherever it is used, and a lone warp waits for it there.
__device__ __forceinline__ int pinned(const int value) { return __shfl_sync(kFullWarp, value, 0); }

// Pins a pointer into shared memory.
template <typename Value>
__device__ __forceinline__ Value* pinned(Value* pointer) {
    const uint32 address = (uint32)pinned((int)__cvta_generic_to_shared(pointer));
    return (Value*)__cvta_shared_to_generic(address);
}

// Values and ranks packed, so that one reduction finds the largest value and the lowest rank that has it. 0
// stands for no rank. Keys have 64 bits where values are too large for 32: then it takes two reductions.
template <typename Key>
struct RankKeys {
    int ranks;
    int bits;

    __device__ __forceinline__ explicit RankKeys(const int of_ranks)
        : ranks(of_ranks), bits(bits_of(of_ranks)) {}

    __device__ __forceinline__ Key key(const int value, const int rank) const {
        return (Key)(uint32)value << bits | (uint32)(ranks - rank);
    }

    __device__ __forceinline__ int value(const Key key) const { return (int)(key >> bits); }

    __device__ __forceinline__ int rank(const Key key) const {
        return ranks - (int)((uint32)key & ((1u << bits) - 1));
    }

    // The largest value that has a key.
    __device__ __forceinline__ int limit() const {
        return sizeof(Key) == sizeof(uint32) ? (int)(~0u >> bits) : kLargestInt;
    }
};

__device__ __forceinline__ uint32 largest_key(const uint32 key) { return __reduce_max_sync(kFullWarp, key); }

__device__ __forceinline__ uint64 largest_key(const uint64 key) {
    const uint32 high = __reduce_max_sync(kFullWarp, (uint32)(key >> 32));
    const uint32 low = __reduce_max_sync(kFullWarp, (uint32)(key >> 32) == high ? (uint32)key : 0u);
    return (uint64)high << 32 | low;
}

template <typename Key>
__device__ __forceinline__ Key larger_key(const Key first, const Key second) {
    return first > second ? first : second;
}
