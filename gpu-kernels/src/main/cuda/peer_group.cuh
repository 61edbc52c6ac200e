// peer_group.cuh: what the ranks of one group share in device memory, and how they wait for each other.
//
// Every rank owns a control block that its peers write: `arrived[q]` holds how often rank q has come to a
// meeting of this group. A meeting is symmetrical: each rank tells all others that it is there, and goes on
// when all others are. What a rank did before is visible to its peers afterwards (release and acquire at
// system scope). The count lives in device memory, so that a replayed graph goes on where it stopped.
//
// Only kernels of one block wait. A waiting grid that fills the device would starve the work it waits for
// where several ranks share a device.
#pragma once

#include "types.cuh"

constexpr int kMaxRanks = 64;
constexpr int kWarpLanes = 32;
constexpr int kStagingBytes = 8192;   // per rank and parity
constexpr uint64 kGone = 1ull << 63;  // set in `arrived` by a rank that comes no more

// An address on every rank of the group, as this rank reaches it.
struct Addresses {
    char* of[kMaxRanks];
};

// Start of a control block; mirrored by ControlBlock.java.
struct Control {
    uint64 magic;
    uint64 epoch;  // meetings this rank has come to
    uint64 reserved[14];
    uint64 arrived[kMaxRanks];
    uint64 released[kMaxRanks];  // written by the host of each peer: shared buffers it has let go
};
static_assert(sizeof(Control) == 1152, "staging starts behind the head");

// Why a rank gave up; in page-locked host memory, mirrored by Watch.java.
struct Failure {
    uint32 state;  // 1 once the rest is written
    uint32 reason;
    uint32 peer;
    uint32 channel;
    uint32 operation;
    uint32 phase;
    uint64 epoch;
    uint64 waited_ns;
};

// What every kernel of a rank looks at; mirrored by Watch.java.
struct Watch {
    uint32 lost;  // sticky: once set, nothing is awaited and no peer is written any more
    uint32 padding;
    const uint32* abort_word;  // page-locked: set by the host
    Failure* failure;
    uint64 limit_ns;
};

enum Reason : uint32 { kTimedOut = 1, kPeerLeft = 2, kAborted = 3 };

__device__ __forceinline__ bool is_lost(const Watch* const watch) {
    return *(const volatile uint32*)&watch->lost != 0;
}

__device__ __forceinline__ uint64 load_acquire(const uint64* const address) {
    uint64 value;
    asm volatile("ld.acquire.sys.global.u64 %0, [%1];" : "=l"(value) : "l"(address) : "memory");
    return value;
}

__device__ __forceinline__ void store_release(uint64* const address, const uint64 value) {
    asm volatile("st.release.sys.global.u64 [%0], %1;" ::"l"(address), "l"(value) : "memory");
}

__device__ __forceinline__ uint64 global_nanoseconds() {
    uint64 value;
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(value));
    return value;
}

// Where in the program a rank waits, for the message if it waits in vain.
struct Place {
    uint32 channel;
    uint32 operation;
    uint32 phase;
};

__device__ __forceinline__ bool give_up(Watch* const watch, const uint32 reason, const int peer,
                                        const Place place, const uint64 epoch, const uint64 waited_ns) {
    if (atomicExch(&watch->lost, 1u) == 0) {
        volatile Failure* const failure = watch->failure;
        failure->reason = reason;
        failure->peer = (uint32)peer;
        failure->channel = place.channel;
        failure->operation = place.operation;
        failure->phase = place.phase;
        failure->epoch = epoch;
        failure->waited_ns = waited_ns;
        __threadfence_system();
        failure->state = 1;
        __threadfence_system();
    }
    return false;
}

// Waits until `peer` has come to meeting `epoch`; false if it will not come.
__device__ __forceinline__ bool await_peer(const Control* const own, const int peer, const uint64 epoch,
                                           Watch* const watch, const Place place) {
    const uint64 start = global_nanoseconds();
    for (uint32 polls = 1;; ++polls) {
        const uint64 arrived = load_acquire(&own->arrived[peer]);
        if ((arrived & ~kGone) >= epoch) return true;
        const bool look_around = polls % 16 == 0 || (arrived & kGone) != 0;
        if (look_around) {
            if (is_lost(watch)) return false;
            // The timer is not promised to be the same on all multiprocessors.
            const int64 elapsed = (int64)(global_nanoseconds() - start);
            const uint64 waited = elapsed > 0 ? (uint64)elapsed : 0;
            if ((arrived & kGone) != 0) return give_up(watch, kPeerLeft, peer, place, epoch, waited);
            if (*(const volatile uint32*)watch->abort_word != 0) {
                return give_up(watch, kAborted, peer, place, epoch, waited);
            }
            if (waited > watch->limit_ns) return give_up(watch, kTimedOut, peer, place, epoch, waited);
        }
        __nanosleep(polls < 256 ? 20 : 200);
    }
}

// Comes to the next meeting, and waits for all. What the block wrote before is visible to the peers that
// return true; if false, the group is lost. All threads of the only block must call it; the threads that
// read what peers wrote need no fence of their own.
__device__ __forceinline__ bool meet(const Addresses& controls, const int rank, const int ranks,
                                     Watch* const watch, const Place place) {
    Control* const own = (Control*)controls.of[rank];
    const uint64 epoch = *(volatile uint64*)&own->epoch + 1;
    // Also lets all threads read the epoch before it changes, and finish what they write.
    const bool lost = __syncthreads_or(is_lost(watch)) != 0;
    if (threadIdx.x == 0 && !lost) *(volatile uint64*)&own->epoch = epoch;
    const uint64 told = lost ? kGone | (epoch - 1) : epoch;
    for (int peer = threadIdx.x; peer < ranks; peer += blockDim.x) {
        if (peer == rank) continue;
        __threadfence_system();
        store_release(&((Control*)controls.of[peer])->arrived[rank], told);
    }
    if (lost) return false;
    bool met = true;
    for (int peer = threadIdx.x; peer < ranks; peer += blockDim.x) {
        if (peer != rank) met = await_peer(own, peer, epoch, watch, place) && met;
    }
    __threadfence_system();
    if (__syncthreads_and(met) != 0) return true;
    // Peers that wait for a later meeting learn it at once.
    for (int peer = threadIdx.x; peer < ranks; peer += blockDim.x) {
        if (peer != rank) store_release(&((Control*)controls.of[peer])->arrived[rank], kGone | epoch);
    }
    return false;
}

// Where rank `source` puts what it sends to the owner of `control` at a meeting of this parity.
__device__ __forceinline__ char* staging(char* const control, const int ranks, const uint64 parity,
                                         const int source) {
    return control + sizeof(Control) + ((int64)parity * ranks + source) * kStagingBytes;
}

// ---- numbers

template <typename Value>
struct Numbers;

template <>
struct Numbers<float> {
    using Sum = float;
    static __device__ __forceinline__ Sum widen(const float value) { return value; }
    static __device__ __forceinline__ float narrow(const Sum value) { return value; }
    static __device__ __forceinline__ float lost_sum(const float) { return __uint_as_float(0x7fffffffu); }
};

template <>
struct Numbers<bf16> {
    using Sum = float;
    static __device__ __forceinline__ Sum widen(const bf16 value) { return to_float(value); }
    static __device__ __forceinline__ bf16 narrow(const Sum value) { return to_bf16(value); }
    static __device__ __forceinline__ bf16 lost_sum(const bf16) { return bf16{0x7fff}; }
};

template <>
struct Numbers<double> {
    using Sum = double;
    static __device__ __forceinline__ Sum widen(const double value) { return value; }
    static __device__ __forceinline__ double narrow(const Sum value) { return value; }
    static __device__ __forceinline__ double lost_sum(const double) {
        return __longlong_as_double(0x7fffffffffffffffll);
    }
};

template <>
struct Numbers<int> {
    using Sum = int;
    static __device__ __forceinline__ Sum widen(const int value) { return value; }
    static __device__ __forceinline__ int narrow(const Sum value) { return value; }
    static __device__ __forceinline__ int lost_sum(const int value) { return value; }
};

template <>
struct Numbers<int64> {
    using Sum = int64;
    static __device__ __forceinline__ Sum widen(const int64 value) { return value; }
    static __device__ __forceinline__ int64 narrow(const Sum value) { return value; }
    static __device__ __forceinline__ int64 lost_sum(const int64 value) { return value; }
};

struct SumOf {
    template <typename Value>
    static __device__ __forceinline__ Value join(const Value left, const Value right) {
        return left + right;
    }
    // Gives NaN in floating sums, so that the norm of the gradients is NaN and no update is applied.
    template <typename Value>
    static __device__ __forceinline__ Value lost(const Value value) {
        return Numbers<Value>::lost_sum(value);
    }
};

struct MaxOf {
    template <typename Value>
    static __device__ __forceinline__ Value join(const Value left, const Value right) {
        return left > right ? left : right;
    }
    // Gives at least 1: that sets the flag that keeps a step from being committed, and the one to stop.
    template <typename Value>
    static __device__ __forceinline__ Value lost(const Value value) {
        return value > 1 ? value : 1;
    }
};

// ---- memory accesses of 2, 4, 8 or 16 bytes that hold one or more values

template <int kBytes>
struct Word;
template <>
struct Word<2> {
    using Type = uint16;
};
template <>
struct Word<4> {
    using Type = uint32;
};
template <>
struct Word<8> {
    using Type = uint64;
};
template <>
struct Word<16> {
    using Type = uint4;
};

template <typename Value, int kCount>
struct Pack {
    using Bits = typename Word<kCount*(int)sizeof(Value)>::Type;
    union {
        Bits bits;
        Value values[kCount];
    };
    __device__ __forceinline__ Pack() {}
    __device__ __forceinline__ void load(const Value* const address) { bits = *(const Bits*)address; }
    __device__ __forceinline__ void store(Value* const address) const { *(Bits*)address = bits; }
};
