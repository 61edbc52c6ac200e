// plan_split.cuh: the split of quotas over source ranks, as io.antiphon.plan.LocalitySplit, which explains
// the rules.
#pragma once

#include "plan_problem.cuh"

// Splits the quotas of one expert's slots over the source ranks, those nearest to the slot first. Within a
// class of sources the ranks give in proportion to what they have left, and the lowest ranks give the rest.
template <int kRanksPerLane>
struct Split {
    // Classes of sources, in the order in which they give; a slot's own rank comes before, the home rank
    // after.
    enum Sources { kOwnNode, kOtherNode, kHomeNode, kClasses };

    const Problem& problem;
    const int* const slot_home;  // [slots]
    int* const missing;          // [slots]: holds the quotas, and counts down
    int* const to_slot;          // [ranks, slots]

    // One warp; lanes hold sources with stride 32.
    __device__ __forceinline__ void split(const int expert) const {
        const int lane = lane_index();
        const int slots = problem.slots;
        const int home = expert / problem.local_experts;
        int available[kRanksPerLane];
#pragma unroll
        for (int k = 0; k < kRanksPerLane; ++k) {
            const int source = lane + k * kWarpSize;
            available[k] = source < problem.ranks ? problem.counts[source * problem.experts + expert] : 0;
        }
#pragma unroll
        for (int k = 0; k < kRanksPerLane; ++k) {
            const int source = lane + k * kWarpSize;
            if (source >= problem.ranks) continue;
            const int first = source * problem.slots_per_rank;
#pragma unroll 1
            for (int slot = first; slot < first + problem.slots_per_rank; ++slot) {
                if (slot_home[slot] != expert) continue;
                const int own = smaller(available[k], missing[slot]);
                if (own > 0) to_slot[(int64)source * slots + slot] = own;
                available[k] -= own;
                missing[slot] -= own;
            }
        }
        __syncwarp();
        if (problem.ranks_per_node >= problem.ranks) {
            split_in_node(expert, home, available);
        } else {
#pragma unroll 1
            for (int sources = kOwnNode; sources < kClasses; ++sources) {
                split_class((Sources)sources, expert, home, available);
            }
        }
        // The home rank has what is left: quotas sum to at most what the expert has.
#pragma unroll 1
        for (int slot = lane; slot < slots; slot += kWarpSize) {
            const bool lacks = slot_home[slot] == expert && missing[slot] > 0;
            if (lacks) to_slot[(int64)home * slots + slot] = missing[slot];
        }
    }

    // All sources but the home rank as one class. A slot that lacks some has taken all of its own rank, so
    // what the sources of a slot have together follows from what the slots before it lacked: lanes compute
    // proportions for 32 slots at once.
    __device__ __forceinline__ void split_in_node(const int expert, const int home,
                                                  int (&available)[kRanksPerLane]) const {
        const int lane = lane_index();
        int sum = 0;
#pragma unroll
        for (int k = 0; k < kRanksPerLane; ++k) {
            if (lane + k * kWarpSize == home) available[k] = 0;
            sum += available[k];
        }
        sum = __reduce_add_sync(kFullWarp, sum);
#pragma unroll 1
        for (int base = 0; base < problem.slots && sum > 0; base += kWarpSize) {
            const int slot = base + lane;
            const int lacking = slot < problem.slots && slot_home[slot] == expert ? missing[slot] : 0;
            const uint32 all = __ballot_sync(kFullWarp, lacking > 0);
            if (all == 0) continue;
            const int sum_before = larger(0, sum - exclusive_warp_sum(lacking));
            const int wanted = smaller(sum_before, lacking);
            const uint32 share = proportion(wanted, sum_before);
            uint32 waits = __ballot_sync(kFullWarp, wanted > 0);
            int index = first_lane(waits);
            int slot_wanted = __shfl_sync(kFullWarp, wanted, index & (kWarpSize - 1));
            int slot_sum = __shfl_sync(kFullWarp, sum_before, index & (kWarpSize - 1));
            uint32 slot_share = __shfl_sync(kFullWarp, share, index & (kWarpSize - 1));
#pragma unroll 1
            while (waits != 0) {
                waits &= waits - 1;
                const int next = first_lane(waits);  // in advance, beside the sums of this one
                const int next_wanted = __shfl_sync(kFullWarp, wanted, next & (kWarpSize - 1));
                const int next_sum = __shfl_sync(kFullWarp, sum_before, next & (kWarpSize - 1));
                const uint32 next_share = __shfl_sync(kFullWarp, share, next & (kWarpSize - 1));
                give(base + index, slot_wanted, slot_sum, slot_share, available, available);
                index = next;
                slot_wanted = next_wanted;
                slot_sum = next_sum;
                slot_share = next_share;
            }
            if (lacking > 0) missing[slot] = lacking - wanted;
            sum -= __reduce_add_sync(kFullWarp, wanted);
            __syncwarp();
        }
    }

    // One class of sources gives to every slot what it still needs, or all they can.
    __device__ __forceinline__ void split_class(const Sources sources, const int expert, const int home,
                                                int (&available)[kRanksPerLane]) const {
        const int lane = lane_index();
        const int home_node = problem.node_start[home];
#pragma unroll 1
        for (int base = 0; base < problem.slots; base += kWarpSize) {
            const int slot = base + lane;
            const int lacking = slot < problem.slots && slot_home[slot] == expert ? missing[slot] : 0;
            const int receiver = slot / problem.slots_per_rank;
            int left = lacking;
#pragma unroll 1
            for (uint32 waits = __ballot_sync(kFullWarp, lacking > 0); waits != 0; waits &= waits - 1) {
                const int index = first_lane(waits);
                const int rank = __shfl_sync(kFullWarp, receiver, index);
                const int rank_node = problem.node_start[rank];
                int given[kRanksPerLane];
                int sum = 0;
#pragma unroll
                for (int k = 0; k < kRanksPerLane; ++k) {
                    const int source = lane + k * kWarpSize;
                    const bool in_rank_node = (uint32)(source - rank_node) < (uint32)problem.ranks_per_node;
                    const bool in_home_node = (uint32)(source - home_node) < (uint32)problem.ranks_per_node;
                    const Sources of = in_rank_node ? kOwnNode : in_home_node ? kHomeNode : kOtherNode;
                    given[k] = of == sources && source != rank && source != home ? available[k] : 0;
                    sum += given[k];
                }
                sum = __reduce_add_sync(kFullWarp, sum);
                if (sum == 0) continue;
                const int wanted = smaller(sum, __shfl_sync(kFullWarp, lacking, index));
                give(base + index, wanted, sum, proportion(wanted, sum), given, available);
                left -= lane == index ? wanted : 0;
            }
            if (left != lacking) missing[slot] = left;
            __syncwarp();
        }
    }

    // Moves `wanted` of what sources can give, `sum` together, to a slot.
    __device__ __forceinline__ void give(const int slot, const int wanted, const int sum, const uint32 share,
                                         const int (&can_give)[kRanksPerLane],
                                         int (&available)[kRanksPerLane]) const {
        const int lane = lane_index();
        const uint32 lower_lanes = (1u << lane) - 1;
        int given[kRanksPerLane];
        int left[kRanksPerLane];
        int taken = 0;
#pragma unroll
        for (int k = 0; k < kRanksPerLane; ++k) {
            given[k] = share_of(can_give[k], wanted, sum, share);
            left[k] = can_give[k] - given[k];
            taken += given[k];
        }
        const int rest = wanted - __reduce_add_sync(kFullWarp, taken);
        // The lowest ranks give the rest, and mostly the first that has some left has enough.
        int more[kRanksPerLane];
        bool found = false;
        bool falls_short = false;
#pragma unroll
        for (int k = 0; k < kRanksPerLane; ++k) {
            const uint32 ballot = __ballot_sync(kFullWarp, left[k] > 0);
            const bool first = left[k] > 0 && !found && (ballot & lower_lanes) == 0;
            more[k] = first ? smaller(rest, left[k]) : 0;
            falls_short |= first && left[k] < rest;
            found |= ballot != 0;
        }
        if (__any_sync(kFullWarp, falls_short)) share_rest(rest, left, more);
#pragma unroll
        for (int k = 0; k < kRanksPerLane; ++k) {
            given[k] += more[k];
            available[k] -= given[k];
            if (given[k] > 0) to_slot[(int64)(lane + k * kWarpSize) * problem.slots + slot] = given[k];
        }
    }

    // The lowest ranks give `rest` of what they have left.
    __device__ __forceinline__ void share_rest(int rest, const int (&left)[kRanksPerLane],
                                               int (&more)[kRanksPerLane]) const {
#pragma unroll
        for (int k = 0; k < kRanksPerLane; ++k) {
            more[k] = 0;
            uint32 can = __ballot_sync(kFullWarp, left[k] > 0);
#pragma unroll 1
            while (rest > 0 && can != 0) {
                const int source = first_lane(can);
                const int part = smaller(rest, __shfl_sync(kFullWarp, left[k], source));
                more[k] += lane_index() == source ? part : 0;
                rest -= part;
                can &= can - 1;
            }
        }
    }
};
