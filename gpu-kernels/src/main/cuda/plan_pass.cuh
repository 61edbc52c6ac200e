// plan_pass.cuh: one pass of the balanced planner, as io.antiphon.plan.ClonePlacement, which explains the
// rules and whose names these are. A pass belongs to one warp.
//
// A round of placing depends on the one before, and a lone warp issues an instruction every second cycle at
// best: a round takes about 1,300 cycles (H100, 64 ranks) for 260 instructions, mostly latencies of
// reductions over the warp, votes and searches of a bit. So lanes hold ranks only, and what an overloaded
// rank can give is first the most that one of its experts has left: which expert that is follows from the
// experts of this rank alone.
#pragma once

#include "plan.cuh"

constexpr int kNone = -1;
constexpr int kClosed = 1 << 16;  // more than a rank has slots

// Which of the experts that fill a receiver alike is taken; numbered as in Java.
enum Preference { kSurplus, kSameNode, kRemaining, kExactMatch, kPreferences };

// How a pass ended.
struct PassResult {
    int reached;
    int max_load;
    int sent;
    int sent_across;
};

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
    const int* expert_load;  // [experts]
    const int* rank_load;    // [ranks]
    const int* rank_most;    // [ranks]: the largest load of an expert of the rank
    const int* held;         // [slots]
    const int* node_start;   // [ranks]: first rank of a rank's node
    bool several_nodes;
    bool holds_any;
};

// The clones of one pass, by rank and, on it, in the order of placement.
struct Placement {
    int* expert;  // [slots]
    int* quota;   // [slots]
    int* order;   // [slots]: the clones in the order of placement, packed
    int* clones;  // [ranks]: placed there
};

// A clone's index, receiver and home rank in one word.
__device__ __forceinline__ int pack_clone(const int clone, const int receiver, const int home) {
    return clone | receiver << 10 | home << 17;
}

__device__ __forceinline__ int clone_of(const int packed) { return packed & 1023; }

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

// The state of one pass: ranks in lanes with stride 32. A rank above the threshold has taken no clone, for a
// receiver is filled to the threshold at most: its home experts hold its whole load, and its slots are free.
// And a receiver that lacks something after a clone took all that was left of that expert, so it never takes
// of it again: no marks of what was placed where are needed.
template <int kRanksPerLane>
struct Pass {
    const Problem& problem;
    const Placement placement;
    int* const loads;      // [ranks]
    int* const remaining;  // [experts]: assignments at home
    const int threshold;
    const int lane;
    int excess[kRanksPerLane];  // load above the threshold
    int most[kRanksPerLane];    // left of the largest home expert; 0 once the rank is not above the threshold
    int free[kRanksPerLane];    // slots; kClosed less for a rank that finds nothing to take
    int placed;

    __device__ __forceinline__ Pass(const Problem& of, const Placement& into, int* rank_loads,
                                    int* of_experts, const int limit)
        : problem(of), placement(into), loads(rank_loads), remaining(of_experts), threshold(limit),
          lane(lane_index()) {
        placed = 0;
        __syncwarp();  // the warp's last pass may still be read
#pragma unroll 1
        for (int expert = lane; expert < problem.experts; expert += kWarpSize) {
            remaining[expert] = problem.expert_load[expert];
        }
#pragma unroll
        for (int k = 0; k < kRanksPerLane; ++k) {
            const int rank = lane + k * kWarpSize;
            const bool valid = rank < problem.ranks;
            excess[k] = valid ? problem.rank_load[rank] - threshold : 0;
            most[k] = excess[k] > 0 ? problem.rank_most[rank] : 0;
            free[k] = valid ? problem.slots_per_rank : 0;
        }
        __syncwarp();
    }

    // The lowest rank whose flag is set; at least one must be.
    __device__ __forceinline__ int lowest_rank(const bool (&flags)[kRanksPerLane]) const {
        int rank = 0;
#pragma unroll
        for (int k = kRanksPerLane - 1; k >= 0; --k) {
            const uint32 ballot = __ballot_sync(kFullWarp, flags[k]);
            rank = ballot != 0 ? k * kWarpSize + first_lane(ballot) : rank;
        }
        return rank;
    }

    // Moves `amount` to `receiver` from the first expert of `donor` that has at_least left, or from `expert`
    // if given; returns, spread over the lanes, what the donor's experts have left.
    __device__ __forceinline__ int take(const int receiver, const int donor, const int amount,
                                        const int at_least, int expert) {
        int fresh = 0;
        const int end = (donor + 1) * problem.local_experts;
#pragma unroll 1
        for (int base = donor * problem.local_experts; base < end; base += kWarpSize) {
            const int own = base + lane;
            int left = own < end ? remaining[own] : 0;
            if (expert == kNone) {
                const uint32 ballot = __ballot_sync(kFullWarp, left >= at_least);
                if (ballot != 0) expert = base + first_lane(ballot);
            }
            if (own == expert) {
                left -= amount;
                remaining[own] = left;
            }
            fresh = larger(fresh, left);
        }
        // Without branches: after one the compiler would index, and keep the arrays in memory.
        int free_slots = 0;
#pragma unroll
        for (int k = 0; k < kRanksPerLane; ++k) {
            const int own = lane + k * kWarpSize;
            free_slots += free[k] * (own == receiver ? 1 : 0);
            free[k] -= own == receiver ? 1 : 0;
            excess[k] += own == receiver ? amount : own == donor ? -amount : 0;
        }
        if (free_slots > 0) {
            const int clone = (receiver + 1) * problem.slots_per_rank - free_slots;
            placement.expert[clone] = expert;
            placement.quota[clone] = amount;
            placement.order[placed] = pack_clone(clone, receiver, donor);
        }
        ++placed;
        return fresh;
    }

    // Sets what the largest expert of a donor has left.
    __device__ __forceinline__ void refresh(const int donor, const int largest) {
#pragma unroll
        for (int k = 0; k < kRanksPerLane; ++k) {
            most[k] = lane + k * kWarpSize != donor ? most[k] : excess[k] > 0 ? largest : 0;
        }
    }

    // Of the experts that the receiver's slots hold, the one to take from: kNone if there is none.
    __device__ __forceinline__ int choose_held(const int receiver, const int deficit,
                                               const Preference preference, int* amount, int* donor) {
#pragma unroll
        for (int k = 0; k < kRanksPerLane; ++k) {
            const int own = lane + k * kWarpSize;
            if (own < problem.ranks) loads[own] = excess[k];
        }
        __syncwarp();
        uint32 best = 0;
        uint32 best_second = 0;
        uint32 best_expert = kLargestInt;
#pragma unroll 1
        for (int slot = lane; slot < problem.slots_per_rank; slot += kWarpSize) {
            const int expert = problem.held[receiver * problem.slots_per_rank + slot];
            if (expert == kUnusedSlot) continue;
            const int home = expert / problem.local_experts;
            const int surplus = loads[home];
            const bool near = same_node(problem, home, receiver);
            const int given = smaller(remaining[expert], deficit);
            if (surplus <= 0 || given < (near ? problem.min_quota : problem.min_quota_across)) continue;
            const uint32 second = second_key(preference, surplus, given, remaining[expert], near);
            const bool better =
                (uint32)given > best ||
                ((uint32)given == best &&
                 (second > best_second || (second == best_second && (uint32)expert < best_expert)));
            if (better) {
                best = (uint32)given;
                best_second = second;
                best_expert = (uint32)expert;
            }
        }
        __syncwarp();
        const uint32 largest = __reduce_max_sync(kFullWarp, best);
        if (largest == 0) return kNone;
        const uint32 second = __reduce_max_sync(kFullWarp, best == largest ? best_second : 0u);
        const bool wins = best == largest && best_second == second;
        const int expert = (int)__reduce_min_sync(kFullWarp, wins ? best_expert : (uint32)kLargestInt);
        *amount = (int)largest;
        *donor = expert / problem.local_experts;
        return expert;
    }

    // Larger is better among experts that give as much; at least 1.
    __device__ __forceinline__ static uint32 second_key(const Preference preference, const int surplus,
                                                        const int amount, const int left, const bool near) {
        uint32 key = (uint32)surplus;
        if (preference == kSameNode) key = (uint32)(surplus / 2) + (near ? 1u << 30 : 0u);
        if (preference == kRemaining) key = (uint32)left;
        if (preference == kExactMatch) key = (uint32)(kLargestInt - abs(surplus - amount));
        return key + 1;
    }

    // Places clones anew; whether every rank is at the threshold or below.
    __device__ __forceinline__ bool place(const Preference preference, const bool use_held) {
        int donor = kNone;
        int fresh = 0;
        while (true) {
            int lacking[kRanksPerLane];
            int most_lacking = 0;
            int largest = fresh;
#pragma unroll
            for (int k = 0; k < kRanksPerLane; ++k) {
                lacking[k] = free[k] > 0 ? -excess[k] : 0;
                most_lacking = larger(most_lacking, lacking[k]);
                largest = larger(largest, lane + k * kWarpSize == donor ? 0 : most[k]);
            }
            const int deficit = __reduce_max_sync(kFullWarp, most_lacking);
            int left = __reduce_max_sync(kFullWarp, largest);
            if (donor != kNone) refresh(donor, __reduce_max_sync(kFullWarp, fresh));
            if (left == 0) return true;
            if (deficit == 0) return false;
            bool flags[kRanksPerLane];
#pragma unroll
            for (int k = 0; k < kRanksPerLane; ++k) flags[k] = lacking[k] == deficit;
            const int receiver = lowest_rank(flags);
            uint32 near = ~0u;  // bit k: rank lane + 32 k is of the receiver's node
            uint32 far = 0;     // bit k: rank lane + 32 k cannot give, being of another node
            int amount = smaller(left, deficit);
            int expert = kNone;
            bool gives = amount >= problem.min_quota;
            if (problem.several_nodes) {
                const int node_start = problem.node_start[receiver];
                int largest_here = 0;
                near = 0;
#pragma unroll
                for (int k = 0; k < kRanksPerLane; ++k) {
                    const int own = lane + k * kWarpSize;
                    const bool is_near = (uint32)(own - node_start) < (uint32)problem.ranks_per_node;
                    const bool is_far = !is_near && smaller(most[k], deficit) < problem.min_quota_across;
                    near |= is_near ? 1u << k : 0u;
                    far |= is_far ? 1u << k : 0u;
                    largest_here = larger(largest_here, is_far ? 0 : most[k]);
                }
                left = __reduce_max_sync(kFullWarp, largest_here);
                amount = smaller(left, deficit);
                gives = amount >= problem.min_quota;
            }
            if (use_held) {
                expert = choose_held(receiver, deficit, preference, &amount, &donor);
                gives |= expert != kNone;
            }
            if (!gives) {
#pragma unroll
                for (int k = 0; k < kRanksPerLane; ++k) {
                    free[k] -= lane + k * kWarpSize == receiver ? kClosed : 0;
                }
                donor = kNone;
                fresh = 0;
                continue;
            }
            const int at_least = preference == kRemaining ? left : amount;
            if (expert == kNone) {
                uint32 second[kRanksPerLane];
                uint32 best = 0;
#pragma unroll
                for (int k = 0; k < kRanksPerLane; ++k) {
                    const bool can = most[k] >= at_least && (far >> k & 1u) == 0;
                    second[k] = can ? second_key(preference, excess[k], amount, left, near >> k & 1u) : 0u;
                    best = second[k] > best ? second[k] : best;
                }
                best = __reduce_max_sync(kFullWarp, best);
#pragma unroll
                for (int k = 0; k < kRanksPerLane; ++k) flags[k] = second[k] == best;
                donor = lowest_rank(flags);
            }
            int own_excess = 0;
#pragma unroll
            for (int k = 0; k < kRanksPerLane; ++k) {
                own_excess += excess[k] * (donor / kWarpSize == k ? 1 : 0);
            }
            const int surplus = __shfl_sync(kFullWarp, own_excess, donor % kWarpSize);
            fresh = take(receiver, donor, amount, at_least, expert);
            if (surplus <= amount) fresh = 0;
        }
    }

    // Fills one rank after the other, each from the most loaded rank, its largest experts first.
    __device__ __forceinline__ void fill_one_by_one() {
        while (true) {
            bool flags[kRanksPerLane];
            int most_lacking = 0;
            int most_excess = 0;
#pragma unroll
            for (int k = 0; k < kRanksPerLane; ++k) {
                most_lacking = larger(most_lacking, free[k] > 0 ? -excess[k] : 0);
                most_excess = larger(most_excess, excess[k]);
            }
            int deficit = __reduce_max_sync(kFullWarp, most_lacking);
            most_excess = __reduce_max_sync(kFullWarp, most_excess);
            if (most_excess == 0 || deficit == 0) return;  // the second cannot be with enough slots
#pragma unroll
            for (int k = 0; k < kRanksPerLane; ++k) flags[k] = free[k] > 0 && -excess[k] == deficit;
            const int receiver = lowest_rank(flags);
#pragma unroll
            for (int k = 0; k < kRanksPerLane; ++k) flags[k] = excess[k] == most_excess;
            const int donor = lowest_rank(flags);
            int largest = 0;
#pragma unroll
            for (int k = 0; k < kRanksPerLane; ++k) {
                largest = larger(largest, lane + k * kWarpSize == donor ? most[k] : 0);
            }
            largest = __reduce_max_sync(kFullWarp, largest);
            while (deficit > 0 && largest > 0) {
                const int amount = smaller(largest, deficit);
                const int fresh = take(receiver, donor, amount, largest, kNone);
                largest = __reduce_max_sync(kFullWarp, fresh);
                deficit -= amount;
            }
            refresh(donor, largest);
        }
    }

    // Gives assignments back to their home ranks as far as these stay within the threshold. Clones are
    // visited last placed first; most find no room, so the warp looks for the next that does.
    __device__ __forceinline__ void give_back() {
#pragma unroll
        for (int k = 0; k < kRanksPerLane; ++k) {
            const int rank = lane + k * kWarpSize;
            if (rank < problem.ranks) {
                loads[rank] = excess[k] + threshold;
                placement.clones[rank] = problem.slots_per_rank - (free[k] & (kClosed - 1));
            }
        }
        __syncwarp();
#pragma unroll 1
        for (int base = (placed - 1) / kWarpSize * kWarpSize; base >= 0 && placed > 0; base -= kWarpSize) {
            bool waits = base + lane < placed;
            const int packed = waits ? placement.order[base + lane] : 0;
            const int clone = clone_of(packed);
            const int receiver = receiver_of(packed);
            const int home = home_of(packed);
            int quota = 0;
            int kept = 0;
            if (waits) {
                quota = placement.quota[clone];
                const int own = problem.counts[receiver * problem.experts + placement.expert[clone]];
                const bool near = same_node(problem, home, receiver);
                kept = larger(near ? problem.min_quota : problem.min_quota_across, own);
            }
            while (true) {
                const int slack = waits ? threshold - loads[home] : 0;
                const int back = quota <= slack ? quota : smaller(slack, quota - kept);
                const uint32 ballot = __ballot_sync(kFullWarp, waits && slack > 0 && back > 0);
                if (ballot == 0) break;
                const int giver = last_lane(ballot);
                __syncwarp();  // all have read the loads
                if (lane == giver) {
                    placement.quota[clone] = quota - back;
                    loads[home] += back;
                    loads[receiver] -= back;
                }
                waits = waits && lane < giver;
                __syncwarp();
            }
        }
    }

    __device__ __forceinline__ void report(const bool reached, PassResult* result) const {
        int load = 0;
#pragma unroll 1
        for (int rank = lane; rank < problem.ranks; rank += kWarpSize) load = larger(load, loads[rank]);
        int sent = 0;
        int across = 0;
#pragma unroll 1
        for (int i = lane; i < placed; i += kWarpSize) {
            const int packed = placement.order[i];
            const int clone = clone_of(packed);
            if (placement.quota[clone] == 0) continue;
            const int receiver = receiver_of(packed);
            const bool is_held =
                problem.holds_any && held_slot(problem, receiver, placement.expert[clone]) != kUnusedSlot;
            sent += is_held ? 0 : 1;
            across += same_node(problem, receiver, home_of(packed)) ? 0 : 1;
        }
        load = __reduce_max_sync(kFullWarp, load);
        sent = __reduce_add_sync(kFullWarp, sent);
        across = __reduce_add_sync(kFullWarp, across);
        if (lane == 0) *result = {reached ? 1 : 0, load, sent, across};
    }
};
