// test_kernels.cu: what the tests of package device launch.
#include "peer_group.cuh"

// values [length], added to. Launch: 1-D grid of any size.
template <typename Value>
__global__ void add_one(Value* __restrict__ values, const int length) {
    for (int64 i = (int64)blockIdx.x * blockDim.x + threadIdx.x; i < length;
         i += (int64)gridDim.x * blockDim.x) {
        values[i] += 1;
    }
}

// Comes to meeting `meeting` and waits until all have come.
//
//   arrivals  added to
//   missed    set to 1 if some rank did not come within `limit_ns`
//
// Launch: one thread.
template <int kRanks>
__global__ void meet_others(uint32* const arrivals, const int meeting, const int64 limit_ns,
                            int* const missed) {
    __threadfence();
    atomicAdd(arrivals, 1u);
    const int64 start = global_nanoseconds();
    while (*(const volatile uint32*)arrivals < (uint32)(kRanks * (meeting + 1))) {
        if ((int64)(global_nanoseconds() - start) > limit_ns) {
            *missed = 1;
            return;
        }
    }
}

// Writes to `to`, which is not memory. Launch: one thread.
__global__ void write_to(int* const to) { *(volatile int*)to = 1; }

// Ends once `stop` is not 0. Launch: one thread.
__global__ void wait_for(const int* const stop) {
    while (*(const volatile int*)stop == 0) {
    }
}
