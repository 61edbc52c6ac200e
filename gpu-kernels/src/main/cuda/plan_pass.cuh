// plan_pass.cuh: one pass of the balanced planner, as io.antiphon.plan.ClonePlacement, which explains the
// rules and whose names these are. A pass belongs to one warp.
//
// A round of placing depends on the one before, and a lone warp issues an instruction every second cycle at
// best. So a round costs its instructions, about a hundred, and the latencies of two reductions over the
// warp, of a vote and of a load from shared memory, one after the other. Therefore lanes hold ranks only,
// values and ranks are packed in one word, and what an overloaded rank can give is first the most that one of
// its experts has left: which expert that is follows from the experts of this rank alone.
#pragma once

#include "plan_keys.cuh"
#include "plan_problem.cuh"

constexpr int kNone = -1;

// Which of the experts that fill a receiver alike is taken; numbered as in Java.
enum Preference { kSurplus, kSameNode, kRemaining, kExactMatch, kPreferences };

// How a pass ended.
struct PassResult {
    int reached;
    int max_load;
    int sent;
    int sent_across;
    int placed;
};

// Words of shared memory of a pass besides its placement.
__host__ __device__ constexpr int pass_words(const int ranks, const int experts) {
    return 2 * ranks + experts;
}

// The state of one pass: ranks in lanes with stride 32. A rank above the threshold has taken no clone, for a
// receiver is filled to the threshold at most: its home experts hold its whole load, and its slots are free.
// And a receiver that lacks something after a clone took all that was left of that expert, so it never takes
// of it again: no marks of what was placed where are needed.
template <typename Key, int kRanksPerLane, bool kReplan>
struct Pass {
    const Problem& problem;
    const Placement placement;
    const RankKeys<Key> keys;
    int* const loads;      // [ranks]
    int* const remaining;  // [experts]: assignments at home
    const int threshold;
    const int local_experts;
    const int slots_per_rank;
    const int lane;
    const uint32 lower_lanes;
    Key lacking[kRanksPerLane];  // how far below the threshold; 0 for a rank that cannot take clones
    Key surplus[kRanksPerLane];  // how far above the threshold; 0 if it is not
    int most[kRanksPerLane];     // left of the largest home expert of a rank above the threshold
    int free_slots[kRanksPerLane];
    int placed;

    // `memory` are pass_words().
    __device__ __forceinline__ Pass(const Problem& of, const Placement& into, int* memory, const int limit)
        : problem(of),
          placement{pinned(into.quota), pinned(into.order), pinned(into.clones), pinned(into.expert)},
          keys(pinned(of.ranks)),
          loads(pinned(memory)),
          remaining(pinned(memory + of.ranks)),
          threshold(pinned(limit)),
          local_experts(pinned(of.local_experts)),
          slots_per_rank(pinned(of.slots_per_rank)),
          lane(lane_index()),
          lower_lanes((1u << lane_index()) - 1) {
        placed = 0;
        __syncwarp();  // the warp's last pass may still be read
#pragma unroll 4
        for (int expert = lane; expert < problem.experts; expert += kWarpSize) {
            remaining[expert] = problem.expert_load[expert];
        }
#pragma unroll
        for (int k = 0; k < kRanksPerLane; ++k) {
            const int rank = rank_of(k);
            lacking[k] = 0;
            surplus[k] = 0;
            most[k] = 0;
            free_slots[k] = slots_per_rank;
            if (rank >= problem.ranks) continue;
            const int load = problem.rank_load[rank];
            loads[rank] = load;
            if (load < threshold) lacking[k] = keys.key(threshold - load, rank);
            if (load > threshold) {
                surplus[k] = keys.key(load - threshold, rank);
                most[k] = problem.rank_most[rank];
            }
        }
        __syncwarp();
    }

    __device__ __forceinline__ int rank_of(const int k) const { return lane + k * kWarpSize; }

    // Moves `amount` to the rank with receiver_key from the first expert of `donor` that has at_least left,
    // or from `expert` if there is one; the donor is `above` the threshold then. Returns, spread over the
    // lanes, what the donor's experts have left.
    __device__ __forceinline__ int take(const Key receiver_key, const int donor, const int amount,
                                        int at_least, const int expert, const int above) {
        const int receiver = keys.rank(receiver_key);
        const int still_lacking = keys.value(receiver_key) - amount;
        int most_left = 0;
        int base = donor * local_experts;
        const int end = base + local_experts;
#pragma unroll 1
        do {
            const int own = base + lane;
            int left = own < end ? remaining[own] : 0;
            const bool can = kReplan && expert != kNone ? own == expert : left >= at_least;
            const uint32 ballot = __ballot_sync(kFullWarp, can);
            if (can && (ballot & lower_lanes) == 0) {
                left -= amount;
                remaining[own] = left;
                placement.expert[placed] = (uint16)own;
                placement.quota[placed] = amount;
                loads[receiver] = threshold - still_lacking;
                loads[donor] = threshold + above;
            }
            at_least = ballot != 0 ? kLargestInt : at_least;
            most_left = larger(most_left, left);
            base += kWarpSize;
        } while (base < end);
        const Key receiver_lacking = still_lacking > 0 ? keys.key(still_lacking, receiver) : (Key)0;
        const Key donor_surplus = above > 0 ? keys.key(above, donor) : (Key)0;
        const Key donor_lacking = above < 0 ? keys.key(-above, donor) : (Key)0;
        int free_there = 0;
#pragma unroll
        for (int k = 0; k < kRanksPerLane; ++k) {
            const bool took = lacking[k] == receiver_key;
            const bool gave = rank_of(k) == donor;
            free_there += took ? free_slots[k] : 0;
            free_slots[k] -= took ? 1 : 0;
            const Key if_took = free_slots[k] > 0 ? receiver_lacking : (Key)0;
            const Key if_not = gave ? donor_lacking : lacking[k];
            lacking[k] = took ? if_took : if_not;
            surplus[k] = gave ? donor_surplus : surplus[k];
            most[k] = gave ? 0 : most[k];
        }
        if (free_there > 0) {
            const int position = (receiver + 1) * slots_per_rank - free_there;
            placement.order[placed] = pack_clone(position, receiver, donor);
        }
        ++placed;
        return most_left;
    }

    // Larger is better among donors that give as much.
    __device__ __forceinline__ int second_value(const Preference preference, const int above,
                                                const int amount, const bool near) const {
        if (preference == kSameNode) return above / 2 + (near ? (keys.limit() >> 1) + 1 : 0);
        if (preference == kExactMatch) return keys.limit() - abs(above - amount);
        return preference == kSurplus ? above : 0;
    }

    // Chooses the donor that a preference other than kSurplus takes, among those that give at_least.
    __device__ __forceinline__ int choose_donor(const Preference preference,
                                                const int (&gives)[kRanksPerLane], const int at_least,
                                                const int amount, const uint32 near) const {
        Key best = 0;
#pragma unroll
        for (int k = 0; k < kRanksPerLane; ++k) {
            const bool is_near = (near >> k & 1u) != 0;
            const int second = second_value(preference, keys.value(surplus[k]), amount, is_near);
            best = larger_key(best, gives[k] >= at_least ? keys.key(second, rank_of(k)) : (Key)0);
        }
        return keys.rank(largest_key(best));
    }

    // Chooses the expert to take from among those that the receiver's slots hold: kNone if there is none.
    __device__ __forceinline__ int choose_held(const int receiver, const int deficit,
                                               const Preference preference, int* amount) const {
        uint32 best = 0;
        uint32 best_second = 0;
        uint32 best_expert = kLargestInt;
#pragma unroll 1
        for (int slot = lane; slot < slots_per_rank; slot += kWarpSize) {
            const int expert = problem.held[receiver * slots_per_rank + slot];
            if (expert == kUnusedSlot) continue;
            const int home = expert / local_experts;
            const int above = loads[home] - threshold;
            const bool near = same_node(problem, home, receiver);
            const int left = remaining[expert];
            const int given = smaller(left, deficit);
            if (above <= 0 || given < (near ? problem.min_quota : problem.min_quota_across)) continue;
            const uint32 second =
                1u + (uint32)(preference == kRemaining ? left : second_value(preference, above, given, near));
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
        __syncwarp();  // all have read what the lane with the expert writes
        const uint32 largest = __reduce_max_sync(kFullWarp, best);
        if (largest == 0) return kNone;
        const uint32 second = __reduce_max_sync(kFullWarp, best == largest ? best_second : 0u);
        const bool wins = best == largest && best_second == second;
        *amount = (int)largest;
        return (int)__reduce_min_sync(kFullWarp, wins ? best_expert : (uint32)kLargestInt);
    }

    // Places clones anew; whether every rank is at the threshold or below.
    __device__ __forceinline__ bool place(const Preference preference, const bool use_held) {
        const bool several_nodes = pinned(problem.several_nodes ? 1 : 0) != 0;
        const int min_quota = pinned(problem.min_quota);
        int donor = kNone;
        int most_left = 0;  // of the last donor's experts, spread over the lanes
#pragma unroll 1
        while (true) {
            Key neediest = 0;
            int left = most_left;
#pragma unroll
            for (int k = 0; k < kRanksPerLane; ++k) {
                neediest = larger_key(neediest, lacking[k]);
                left = larger(left, most[k]);
            }
            neediest = largest_key(neediest);
            left = __reduce_max_sync(kFullWarp, left);
            most_left = __reduce_max_sync(kFullWarp, most_left);
            const bool overloaded = left > 0;
            const int receiver = keys.rank(neediest);
            const int deficit = keys.value(neediest);
            int amount = smaller(left, deficit);
            int gives[kRanksPerLane];
            uint32 near = 0;  // bit k: rank lane + 32 k is of the receiver's node
#pragma unroll
            for (int k = 0; k < kRanksPerLane; ++k) {
                most[k] = rank_of(k) == donor ? most_left : most[k];
                gives[k] = most[k];
            }
            if (several_nodes && amount > 0) {
                const int first = problem.node_start[receiver];
                left = 0;
#pragma unroll
                for (int k = 0; k < kRanksPerLane; ++k) {
                    const bool is_near = (uint32)(rank_of(k) - first) < (uint32)problem.ranks_per_node;
                    const bool can = is_near || smaller(gives[k], deficit) >= problem.min_quota_across;
                    near |= is_near ? 1u << k : 0u;
                    gives[k] = can ? gives[k] : 0;
                    left = larger(left, gives[k]);
                }
                left = __reduce_max_sync(kFullWarp, left);
                amount = smaller(left, deficit);
            }
            int expert = kNone;
            if (kReplan && use_held && overloaded && deficit > 0) {
                expert = choose_held(receiver, deficit, preference, &amount);
            }
            if (amount < min_quota && expert == kNone) {
                if (!overloaded || deficit == 0) return !overloaded;
                // Amounts only shrink from here: this rank will find no donor later either.
#pragma unroll
                for (int k = 0; k < kRanksPerLane; ++k) {
                    lacking[k] = lacking[k] == neediest ? (Key)0 : lacking[k];
                }
                donor = kNone;
                most_left = 0;
                continue;
            }
            const int at_least = preference == kRemaining ? left : amount;
            int above = 0;
            if (preference == kSurplus && expert == kNone) {
                Key best = 0;
#pragma unroll
                for (int k = 0; k < kRanksPerLane; ++k) {
                    best = larger_key(best, gives[k] >= at_least ? surplus[k] : (Key)0);
                }
                best = largest_key(best);
                donor = keys.rank(best);
                above = keys.value(best) - amount;
            } else {
                donor = expert == kNone ? choose_donor(preference, gives, at_least, amount, near)
                                        : expert / local_experts;
                above = loads[donor] - threshold - amount;
                __syncwarp();  // all have read what the lane with the expert writes
            }
            most_left = take(neediest, donor, amount, at_least, expert, above);
            most_left = above > 0 ? most_left : 0;
            __syncwarp();  // others read what the lane with the expert wrote
        }
    }

    // Fills one rank after the other, each from the most loaded rank, its largest experts first.
    __device__ __forceinline__ void fill_one_by_one() {
#pragma unroll 1
        while (true) {
            Key neediest = 0;
            Key heaviest = 0;
#pragma unroll
            for (int k = 0; k < kRanksPerLane; ++k) {
                neediest = larger_key(neediest, lacking[k]);
                heaviest = larger_key(heaviest, surplus[k]);
            }
            neediest = largest_key(neediest);
            heaviest = largest_key(heaviest);
            if (heaviest == 0 || neediest == 0) return;  // the second cannot be with enough slots
            const int receiver = keys.rank(neediest);
            const int donor = keys.rank(heaviest);
            int deficit = keys.value(neediest);
            int above = keys.value(heaviest);
            int left = 0;
#pragma unroll
            for (int k = 0; k < kRanksPerLane; ++k) left = larger(left, rank_of(k) == donor ? most[k] : 0);
            left = __reduce_max_sync(kFullWarp, left);
#pragma unroll 1
            while (deficit > 0 && left > 0) {
                const int amount = smaller(left, deficit);
                above -= amount;
                const int most_left = take(keys.key(deficit, receiver), donor, amount, left, kNone, above);
                left = __reduce_max_sync(kFullWarp, most_left);
                deficit -= amount;
                __syncwarp();
            }
#pragma unroll
            for (int k = 0; k < kRanksPerLane; ++k) {
                most[k] = rank_of(k) == donor && above > 0 ? left : most[k];
            }
        }
    }

    // Gives assignments back to their home ranks as far as these stay within the threshold, as if clones were
    // visited one after the other, the last placed first; then reports. What a clone gives depends on the
    // load of its home alone. So it waits for clones on its home rank, which may make room there. They are
    // all later ones, because a rank that takes clones no longer gives any. It also waits for later clones
    // of the same home, which may take the room. All others are visited at once.
    __device__ __forceinline__ void give_back(const bool reached, PassResult* result) {
        uint32* const onto = (uint32*)remaining;    // [ranks]: lanes whose clone is on the rank
        uint32* const from = onto + problem.ranks;  // [ranks]: lanes whose clone is of the rank's experts
#pragma unroll
        for (int k = 0; k < kRanksPerLane; ++k) {
            if (rank_of(k) < problem.ranks) placement.clones[rank_of(k)] = slots_per_rank - free_slots[k];
        }
        int sent = 0;
        int across = 0;
#pragma unroll 1
        for (int base = (placed - 1) & ~(kWarpSize - 1); base >= 0 && placed > 0; base -= kWarpSize) {
            const int clone = base + lane;
            const bool valid = clone < placed;
            const int packed = valid ? placement.order[clone] : 0;
            int quota = valid ? placement.quota[clone] : 0;
            const int expert = valid ? placement.expert[clone] : 0;
            const int receiver = receiver_of(packed);
            const int home = home_of(packed);
            const int own = valid ? problem.counts[receiver * problem.experts + expert] : 0;
            const bool near = same_node(problem, home, receiver);
            const int kept = larger(near ? problem.min_quota : problem.min_quota_across, own);
#pragma unroll
            for (int k = 0; k < kRanksPerLane; ++k) {
                if (rank_of(k) >= problem.ranks) continue;
                onto[rank_of(k)] = 0;
                from[rank_of(k)] = 0;
            }
            __syncwarp();
            if (valid) {
                atomicOr(&onto[receiver], 1u << lane);
                atomicOr(&from[home], 1u << lane);
            }
            __syncwarp();
            const uint32 on_home = onto[home];
            const uint32 later_of_home = from[home] & ~lower_lanes & ~(1u << lane);
            bool waits = valid;
#pragma unroll 1
            while (true) {
                const uint32 waiting = __ballot_sync(kFullWarp, waits);
                if (waiting == 0) break;
                const int slack = threshold - loads[home];
                const int back = quota <= slack ? quota : smaller(slack, quota - kept);
                // Without a waiting clone on the home rank no room is added there: it only shrinks.
                const bool settled = waits && (on_home & waiting) == 0;
                const bool can = settled && slack > 0 && back > 0;
                const uint32 able = __ballot_sync(kFullWarp, can);
                const bool gives = can && (later_of_home & able) == 0;
                waits = waits && (!settled || (can && !gives));
                __syncwarp();  // all have read the loads
                if (gives) {
                    quota -= back;
                    placement.quota[clone] = quota;
                    atomicAdd(&loads[home], back);
                    atomicAdd(&loads[receiver], -back);
                }
                __syncwarp();
            }
            if (quota > 0) {
                const bool is_held = problem.holds_any && held_slot(problem, receiver, expert) != kUnusedSlot;
                sent += is_held ? 0 : 1;
                across += near ? 0 : 1;
            }
        }
        int load = 0;
#pragma unroll
        for (int k = 0; k < kRanksPerLane; ++k) {
            if (rank_of(k) < problem.ranks) load = larger(load, loads[rank_of(k)]);
        }
        load = __reduce_max_sync(kFullWarp, load);
        sent = __reduce_add_sync(kFullWarp, sent);
        across = __reduce_add_sync(kFullWarp, across);
        if (lane == 0) *result = {reached ? 1 : 0, load, sent, across, placed};
    }
};
