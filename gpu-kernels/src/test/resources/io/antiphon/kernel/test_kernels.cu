// test_kernels.cu: what the tests of package device launch.
#include "types.cuh"

// values [length], added to. Launch: 1-D grid of any size.
template <typename Value>
__global__ void add_one(Value* __restrict__ values, const int length) {
    for (int64 i = (int64)blockIdx.x * blockDim.x + threadIdx.x; i < length; i += (int64)gridDim.x * blockDim.x) {
        values[i] += 1;
    }
}
