// pack.cuh: neighbouring elements moved as one 16-byte word, and loops over vectors of any alignment.
#pragma once

#include "types.cuh"

// Elements in a word of 16 bytes.
template <typename Element>
constexpr int kPack = 16 / (int)sizeof(Element);

// Whether all pointers can be accessed by words of 16 bytes.
template <typename... Elements>
__device__ __forceinline__ bool packable(const Elements*... pointers) {
    return (((uint64)pointers | ...) % 16) == 0;
}

// A word of the vector at `from`; `from` must be packable.
template <typename Element>
__device__ __forceinline__ uint4 load_word(const Element* from) {
    return *reinterpret_cast<const uint4*>(from);
}

template <typename Element>
__device__ __forceinline__ void store_word(Element* to, const uint4 word) {
    *reinterpret_cast<uint4*>(to) = word;
}

// The values of a word of `Real`.
template <typename Real>
__device__ __forceinline__ void unpack(uint4 word, float (&values)[kPack<Real>]);

template <>
__device__ __forceinline__ void unpack<float>(const uint4 word, float (&values)[4]) {
    values[0] = __uint_as_float(word.x);
    values[1] = __uint_as_float(word.y);
    values[2] = __uint_as_float(word.z);
    values[3] = __uint_as_float(word.w);
}

template <>
__device__ __forceinline__ void unpack<bf16>(const uint4 word, float (&values)[8]) {
    const uint32 pairs[4] = {word.x, word.y, word.z, word.w};
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        values[2 * i] = __uint_as_float(pairs[i] << 16);
        values[2 * i + 1] = __uint_as_float(pairs[i] & 0xffff0000u);
    }
}

// The word of `Real` that holds `values`, rounded.
template <typename Real>
__device__ __forceinline__ uint4 pack(const float (&values)[kPack<Real>]);

template <>
__device__ __forceinline__ uint4 pack<float>(const float (&values)[4]) {
    return make_uint4(__float_as_uint(values[0]), __float_as_uint(values[1]), __float_as_uint(values[2]),
                      __float_as_uint(values[3]));
}

template <>
__device__ __forceinline__ uint4 pack<bf16>(const float (&values)[8]) {
    return make_uint4(to_bf16x2(values[0], values[1]), to_bf16x2(values[2], values[3]),
                      to_bf16x2(values[4], values[5]), to_bf16x2(values[6], values[7]));
}

template <typename Real>
__device__ __forceinline__ void load_pack(const Real* from, float (&values)[kPack<Real>]) {
    unpack<Real>(load_word(from), values);
}

template <typename Real>
__device__ __forceinline__ void store_pack(Real* to, const float (&values)[kPack<Real>]) {
    store_word(to, pack<Real>(values));
}

// Four values; bf16 in 8 bytes, fp32 in 16.
__device__ __forceinline__ void load_four(const float* from, float (&values)[4]) { load_pack(from, values); }

__device__ __forceinline__ void load_four(const bf16* from, float (&values)[4]) {
    const uint2 word = *reinterpret_cast<const uint2*>(from);
    values[0] = __uint_as_float(word.x << 16);
    values[1] = __uint_as_float(word.x & 0xffff0000u);
    values[2] = __uint_as_float(word.y << 16);
    values[3] = __uint_as_float(word.y & 0xffff0000u);
}

__device__ __forceinline__ void store_four(float* to, const float (&values)[4]) { store_pack(to, values); }

__device__ __forceinline__ void store_four(bf16* to, const float (&values)[4]) {
    *reinterpret_cast<uint2*>(to) =
        make_uint2(to_bf16x2(values[0], values[1]), to_bf16x2(values[2], values[3]));
}

// How a vector divides into elements before the first aligned word, whole words, and elements after them.
template <typename Element>
struct Words {
    int64 first;  // element of the first whole word
    int64 words;
    int64 end;  // element after the last whole word

    __device__ __forceinline__ Words(const Element* vector, const int64 elements) {
        const int64 lead = (int64)((16 - (uint64)vector % 16) % 16 / sizeof(Element));
        first = lead < elements ? lead : elements;
        words = (elements - first) / kPack<Element>;
        end = first + words * kPack<Element>;
    }
};
