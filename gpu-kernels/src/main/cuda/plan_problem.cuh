// plan_problem.cuh: what the passes of the balanced planner plan for, and the clones that they place.
#pragma once

#include "plan.cuh"

// Sizes and options, the same for all passes.
struct Problem {
    const int* counts;
    int ranks;
    int experts;
    int slots_per_rank;
    int slots;
    int local_experts;
    int ranks_per_node;
    int min_quota;
    int min_quota_across;
    bool several_nodes;
    bool holds_any;
    const int* expert_load;  // [experts]
    const int* rank_load;    // [ranks]
    const int* rank_most;    // [ranks]: the largest load of an expert of the rank
    const int* held;         // [slots]
    const int* node_start;   // [ranks]: first rank of a rank's node
};

// The clones of one pass, in the order of placement.
struct Placement {
    int* quota;      // [slots]
    int* order;      // [slots]: packed, see pack_clone
    int* clones;     // [ranks]: placed there
    uint16* expert;  // [slots]
};

// Words of shared memory of a placement.
__host__ __device__ constexpr int placement_words(const int ranks, const int slots) {
    return ranks + 2 * slots + (slots + 1) / 2;
}

// A clone's position, by rank and, on it, in the order of placement; its receiver and home rank. In one word.
__device__ __forceinline__ int pack_clone(const int position, const int receiver, const int home) {
    return position | receiver << 10 | home << 17;
}

__device__ __forceinline__ int position_of(const int packed) { return packed & 1023; }

__device__ __forceinline__ int receiver_of(const int packed) { return packed >> 10 & 127; }

__device__ __forceinline__ int home_of(const int packed) { return packed >> 17; }

__device__ __forceinline__ bool same_node(const Problem& problem, const int rank, const int other) {
    return problem.node_start[rank] == problem.node_start[other];
}

// The slot of a rank that holds an expert already, or kUnusedSlot.
__device__ __forceinline__ int held_slot(const Problem& problem, const int rank, const int expert) {
    const int first = rank * problem.slots_per_rank;
#pragma unroll 1
    for (int slot = first; slot < first + problem.slots_per_rank; ++slot) {
        if (problem.held[slot] == expert) return slot;
    }
    return kUnusedSlot;
}
