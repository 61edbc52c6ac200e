// rope.cu: rotary position embedding, in place.
//
//   x                [tokens, heads, head_dim]  Real  read and written; head_dim even
//   document_starts  [tokens]                   i32   read: index inside the sequence of the first token of
//                                                     the token's document
//
// With half = head_dim / 2, the pair (i, i + half) of a head turns by position * theta^(-2 i / head_dim), by
// the negative of it for `inverse`, where position counts from the document's start. Angles, which reach
// thousands, are fp64 until a multiple of the full turn has been taken off; then all is fp32. A block finds
// sine and cosine once for all heads of a token.
//
// Launch: grid of any size along x, whose blocks stride over groups of kTokens tokens; ceil(half / kPairs)
// blocks along y. `wide` says that half and the address of x allow accesses of 16 bytes. Bound: memory,
// twice the bytes of x. Deterministic: every element is computed alone.
#include "types.cuh"

constexpr int kRopeThreads = 256;
constexpr int kTokens = 4;
constexpr int kPairs = 128;

template <typename Real>
__device__ __forceinline__ void turn(Real& first, Real& second, const float2 turned) {
    const float a = to_float(first);
    const float b = to_float(second);
    first = from_float<Real>(a * turned.x - b * turned.y);
    second = from_float<Real>(a * turned.y + b * turned.x);
}

template <typename Real>
__global__ void __launch_bounds__(kRopeThreads)
    rope(Real* __restrict__ x, const int* __restrict__ document_starts, const int64 tokens, const int heads,
         const int head_dim, const int sequence_length, const double theta, const int inverse,
         const int wide) {
    constexpr double kTurn = 6.283185307179586;
    constexpr int kWide = 16 / sizeof(Real);
    __shared__ double frequencies[kPairs];
    __shared__ float2 turns[kTokens][kPairs];  // cosine and sine
    const int half = head_dim / 2;
    const int first_pair = blockIdx.y * kPairs;
    const int pairs = min(kPairs, half - first_pair);
    for (int pair = threadIdx.x; pair < pairs; pair += kRopeThreads) {
        frequencies[pair] = pow(theta, -2.0 * (first_pair + pair) / head_dim);
    }
    for (int64 first = (int64)blockIdx.x * kTokens; first < tokens; first += (int64)gridDim.x * kTokens) {
        const int group = (int)(tokens - first < kTokens ? tokens - first : kTokens);
        __syncthreads();  // frequencies are there, and nobody reads the turns before any more
        for (int index = threadIdx.x; index < group * pairs; index += kRopeThreads) {
            const int token = index / pairs;
            const int pair = index - token * pairs;
            const int position = (int)((first + token) % sequence_length) - document_starts[first + token];
            const double angle = position * frequencies[pair];
            const float rest = (float)(angle - rint(angle / kTurn) * kTurn);
            float sine;
            float cosine;
            sincosf(rest, &sine, &cosine);
            turns[token][pair] = make_float2(cosine, inverse ? -sine : sine);
        }
        __syncthreads();
        const int vector = wide ? kWide : 1;
        const int row_vectors = pairs / vector;
        for (int index = threadIdx.x; index < group * heads * row_vectors; index += kRopeThreads) {
            const int row = index / row_vectors;
            const int pair = (index - row * row_vectors) * vector;
            const float2* const row_turns = turns[row / heads] + pair;
            Real* const at = x + (first * heads + row) * head_dim + first_pair + pair;
            if (wide) {
                union Vector {
                    uint4 words;
                    Real values[kWide];
                };
                Vector low;
                Vector high;
                low.words = *(const uint4*)at;
                high.words = *(const uint4*)(at + half);
#pragma unroll
                for (int i = 0; i < kWide; ++i) turn(low.values[i], high.values[i], row_turns[i]);
                *(uint4*)at = low.words;
                *(uint4*)(at + half) = high.words;
            } else {
                turn(at[0], at[half], row_turns[0]);
            }
        }
    }
}
