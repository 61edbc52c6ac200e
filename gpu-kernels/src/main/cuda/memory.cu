// memory.cu: clears, copies and adds elements of any type.
//
// Conversions are those of Java: integers to the nearest floating number, floating numbers to integers
// towards zero, clamped, NaN to 0. Sums are fp64 if the result is, else fp32, or integers.
//
// Launch: 1-D grids of any size, 1-D blocks of any size; the kernels stride. Bound: memory. Deterministic:
// one thread per element. Words of 16 bytes are moved where the pointers allow, single elements elsewhere.
#include "pack.cuh"

template <typename Left, typename Right>
constexpr bool kSame = false;
template <typename Type>
constexpr bool kSame<Type, Type> = true;

template <typename Element>
constexpr bool kInteger = kSame<Element, int> || kSame<Element, int64>;

// fp32 with the last bit set if it is inexact, so that rounding it again to bf16 rounds the value once.
__device__ __forceinline__ float round_to_odd(const double value) {
    const float truncated = __double2float_rz(value);
    const bool inexact = (double)truncated != value && value == value;
    return inexact ? __uint_as_float(__float_as_uint(truncated) | 1u) : truncated;
}

__device__ __forceinline__ float round_to_odd(const int64 value) {
    const float truncated = __ll2float_rz(value);
    return (int64)truncated != value ? __uint_as_float(__float_as_uint(truncated) | 1u) : truncated;
}

template <typename To, typename From>
__device__ __forceinline__ To convert(const From value) {
    if constexpr (kSame<From, To>) {
        return value;
    } else if constexpr (kSame<From, bf16>) {
        return convert<To>(to_float(value));
    } else if constexpr (kSame<To, bf16>) {
        if constexpr (kSame<From, float>) return to_bf16(value);
        if constexpr (kSame<From, double>) return to_bf16(round_to_odd(value));
        if constexpr (kInteger<From>) return to_bf16(round_to_odd((int64)value));
    } else if constexpr (kInteger<To> && !kInteger<From>) {
        if (value != value) return 0;
        if constexpr (kSame<To, int>) {
            return __double2int_rz((double)value);
        } else {
            return __double2ll_rz((double)value);
        }
    } else {
        return (To)value;
    }
}

// `into + x`, in the precision of `into`, at least fp32.
template <typename To, typename From>
__device__ __forceinline__ To sum(const To into, const From x) {
    if constexpr (kSame<To, bf16>) {
        return to_bf16(to_float(into) + convert<float>(x));
    } else {
        return into + convert<To>(x);
    }
}

// Number of elements that fill whole words of both types.
template <typename From, typename To>
constexpr int kSpan = 16 / (int)(sizeof(From) < sizeof(To) ? sizeof(From) : sizeof(To));

// kCount elements in registers, moved by words.
template <typename Element, int kCount>
struct Span {
    static constexpr int kWords = kCount * (int)sizeof(Element) / 16;
    static_assert(kWords * 16 == kCount * (int)sizeof(Element), "a span is whole words");
    union {
        uint4 words[kWords];
        Element elements[kCount];
    };

    __device__ __forceinline__ void load(const Element* from) {
#pragma unroll
        for (int i = 0; i < kWords; ++i) words[i] = reinterpret_cast<const uint4*>(from)[i];
    }

    __device__ __forceinline__ void store(Element* to) const {
#pragma unroll
        for (int i = 0; i < kWords; ++i) reinterpret_cast<uint4*>(to)[i] = words[i];
    }
};

__device__ __forceinline__ int64 first_index() { return (int64)blockIdx.x * blockDim.x + threadIdx.x; }

__device__ __forceinline__ int64 index_stride() { return (int64)gridDim.x * blockDim.x; }

//   to  [bytes]  any type  written with zeros
__global__ void zero_bytes(uint8* __restrict__ to, const int64 bytes) {
    const Words<uint8> span(to, bytes);
    const uint4 zeros = make_uint4(0, 0, 0, 0);
#pragma unroll 4
    for (int64 i = first_index(); i < span.words; i += index_stride()) {
        store_word(to + span.first + i * 16, zeros);
    }
    for (int64 i = first_index(); i < span.first; i += index_stride()) to[i] = 0;
    for (int64 i = span.end + first_index(); i < bytes; i += index_stride()) to[i] = 0;
}

//   from  [count]  read
//   to    [count]  written
template <typename From, typename To>
__global__ void copy_elements(const From* __restrict__ from, const int64 count, To* __restrict__ to) {
    constexpr int kCount = kSpan<From, To>;
    const int64 spans = packable(from, to) ? count / kCount : 0;
#pragma unroll 4
    for (int64 i = first_index(); i < spans; i += index_stride()) {
        Span<From, kCount> in;
        in.load(from + i * kCount);
        if constexpr (kSame<From, To>) {
            in.store(to + i * kCount);
        } else {
            Span<To, kCount> out;
#pragma unroll
            for (int j = 0; j < kCount; ++j) out.elements[j] = convert<To>(in.elements[j]);
            out.store(to + i * kCount);
        }
    }
#pragma unroll 4
    for (int64 i = spans * kCount + first_index(); i < count; i += index_stride()) {
        to[i] = convert<To>(from[i]);
    }
}

//   x     [count]  read
//   into  [count]  added to; both floating or both integer
template <typename From, typename To>
__global__ void add_elements(const From* __restrict__ x, const int64 count, To* __restrict__ into) {
    constexpr int kCount = kSpan<From, To>;
    const int64 spans = packable(x, into) ? count / kCount : 0;
#pragma unroll 4
    for (int64 i = first_index(); i < spans; i += index_stride()) {
        Span<From, kCount> term;
        Span<To, kCount> result;
        term.load(x + i * kCount);
        result.load(into + i * kCount);
#pragma unroll
        for (int j = 0; j < kCount; ++j) result.elements[j] = sum(result.elements[j], term.elements[j]);
        result.store(into + i * kCount);
    }
#pragma unroll 4
    for (int64 i = spans * kCount + first_index(); i < count; i += index_stride()) {
        into[i] = sum(into[i], x[i]);
    }
}

//   row  [columns]        floating  read
//   x    [rows, columns]  floating  added to, row by row
template <typename From, typename To>
__global__ void add_row(const From* __restrict__ row, const int64 rows, const int64 columns,
                        To* __restrict__ x) {
    constexpr int kCount = kSpan<From, To>;
    const bool packed = packable(row, x) && columns % kCount == 0;
    const int64 width = packed ? columns / kCount : columns;
    // The place in a row follows by addition: a 64-bit division per element would cost more than its access.
    const int64 step = index_stride() % width;
    int64 place = first_index() % width;
    for (int64 i = first_index(); i < rows * width; i += index_stride()) {
        if (packed) {
            Span<From, kCount> term;
            Span<To, kCount> result;
            term.load(row + place * kCount);
            result.load(x + i * kCount);
#pragma unroll
            for (int j = 0; j < kCount; ++j) result.elements[j] = sum(result.elements[j], term.elements[j]);
            result.store(x + i * kCount);
        } else {
            x[i] = sum(x[i], row[place]);
        }
        place += step;
        place = place < width ? place : place - width;
    }
}
