// attention.cuh: what the attention kernels share: which token sees which, and how blocks share the work.
//
// A query at position p of a sequence sees the keys document_starts[p] .. p of the same sequence.
// document_starts never decreases inside a sequence, so the keys of a block of queries are one range, from
// the start of the first query's document to the last query, and so are the queries of a block of keys.
#pragma once

#include "types.cuh"

constexpr float kLog2E = 1.4426950408889634f;
constexpr float kLn2 = 0.6931471805599453f;

__device__ __forceinline__ float negative_infinity() { return __uint_as_float(0xff800000u); }

// A block of rows (queries or keys) of one head of one sequence.
struct AttentionBlock {
    int head;
    int sequence;
    int first;  // row inside the sequence

    // Heads vary fastest, so that blocks that run at the same time share keys and values; of the blocks of a
    // head, the ones with `heaviest_last` rows (queries far from the start see most) or the first ones (keys
    // near the start are seen most) come first, so that none of them is left for the end.
    __device__ __forceinline__ AttentionBlock(const int index, const int heads, const int sequences,
                                              const int sequence_length, const int rows,
                                              const bool heaviest_last) {
        head = index % heads;
        const int rest = index / heads;
        sequence = rest % sequences;
        const int block = rest / sequences;
        const int blocks = (sequence_length + rows - 1) / rows;
        first = (heaviest_last ? blocks - 1 - block : block) * rows;
    }
};

// Whether a query of which `span` keys before itself are visible, from `start` on, sees `key`.
__device__ __forceinline__ bool sees(const int key, const int start, const int span) {
    return (uint32)(key - start) <= (uint32)span;
}

// Number of leading blocks of `rows` queries, from `first` on, of which a query sees a key up to `last_key`.
// All threads of the block must call it.
__device__ __forceinline__ int visible_blocks(const int* __restrict__ starts, const int sequence_length,
                                              const int first, const int rows, const int last_key) {
    const int blocks = (sequence_length - first + rows - 1) / rows;
    int visible = 0;
    for (int base = 0; base < blocks; base += blockDim.x) {
        const int block = base + (int)threadIdx.x;
        visible += __syncthreads_count(block < blocks && starts[first + block * rows] <= last_key);
    }
    return visible;
}
