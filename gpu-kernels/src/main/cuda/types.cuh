// types.cuh: element types of tensors, and conversion to and from fp32.
//
// NVRTC compiles these files without any header of the CUDA toolkit, so that a machine needs only the
// driver and the NVRTC library. A kernel takes the compute type as a template parameter `Real`: float or
// bf16. Master values are float.
#pragma once

using int64 = long long;
using uint8 = unsigned char;
using uint16 = unsigned short;
using uint32 = unsigned int;
using uint64 = unsigned long long;

// Brain float: the upper half of an fp32.
struct bf16 {
    uint16 bits;
};

__device__ __forceinline__ float to_float(const float value) { return value; }

__device__ __forceinline__ float to_float(const bf16 value) {
    return __uint_as_float((uint32)value.bits << 16);
}

// Rounds to nearest even; NaN stays NaN.
__device__ __forceinline__ bf16 to_bf16(const float value) {
    bf16 result;
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(result.bits) : "f"(value));
    return result;
}

// Two rounded values in one word, `low` in the lower half.
__device__ __forceinline__ uint32 to_bf16x2(const float low, const float high) {
    uint32 result;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(result) : "f"(high), "f"(low));
    return result;
}

__device__ __forceinline__ float infinity() { return __int_as_float(0x7f800000); }

__device__ __forceinline__ float not_a_number() { return __int_as_float(0x7fffffff); }

template <typename Real>
__device__ __forceinline__ Real from_float(float value);

template <>
__device__ __forceinline__ float from_float<float>(const float value) {
    return value;
}

template <>
__device__ __forceinline__ bf16 from_float<bf16>(const float value) {
    return to_bf16(value);
}
