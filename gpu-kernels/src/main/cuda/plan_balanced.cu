// plan_balanced.cu: the plan with the lowest maximum rank load, then with the fewest weights to send, then with
// the fewest assignments that cross ranks and nodes; the same bits as io.antiphon.plan.BalancedPlanner, which
// explains the rules and whose names these are.
//
//   counts     [ranks, experts]  i32  read; assignments of each source rank to each home expert
//   held       [slots]           i32  kReplan only: read, then written; experts that the slots hold, -1 for none
//   to_send    [slots]           i32  kReplan only: written; experts that must be sent, -1 for none
//   slot_home  [slots]           i32  written; expert of each slot, -1 if unused
//   quota      [slots]           i32  written; assignments of each slot
//   to_slot    [ranks, slots]    i32  written; how many of them each source rank sends
//   ranks <= 32 * kRanksPerLane, experts <= 32 * kExpertsPerLane, slots = ranks * slots_per_rank <= 1024
//
// Launch: one block of kBalancedThreads with 33 + 3 * experts + 11 * ranks + 18 * slots words of dynamic shared
// memory. Bound: latency. Placing clones is a chain of at most slots rounds, each of which depends on the last; one warp takes it, its lanes
// searching together with ranks and experts in registers. Passes with different preferences are independent:
// one warp each. Sums and splits use the whole block. Deterministic: integers, and ties go to the lowest index.
#include "plan.cuh"

constexpr int kMillion = 1000000;
constexpr int kSearchSteps = 10;
constexpr int kPlacements = 5;  // one per pass, and the best so far
constexpr uint32 kFlag = 0x80000000u;
constexpr uint32 kValue = 0x7fffffffu;

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
    const int* held;         // [slots]
    const int* node_start;   // [ranks]: first rank of a rank's node
    const int* candidate;        // [candidates]: experts of ranks above the lowest threshold, packed
    const int* candidate_start;  // [ranks]: the first candidate of such a rank
    int candidates;
    bool holds_any;
};

// An expert and its home rank in one word.
__device__ __forceinline__ int pack_candidate(const int expert, const int rank) { return expert | rank << 16; }

__device__ __forceinline__ int expert_of(const int packed) { return packed & 0xffff; }

__device__ __forceinline__ int donor_of(const int packed) { return packed >> 16; }

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

// The slot of a rank that holds an expert already, or -1.
__device__ __forceinline__ int held_slot(const Problem& problem, const int rank, const int expert) {
    const int first = rank * problem.slots_per_rank;
    for (int slot = first; slot < first + problem.slots_per_rank; ++slot) {
        if (problem.held[slot] == expert) return slot;
    }
    return kUnusedSlot;
}

// The state of one pass: ranks in lanes with stride 32, and candidates too: the experts of ranks above the lowest
// threshold. No other expert ever moves, for a receiver is filled to the threshold at most, so that the ranks above
// it only become fewer; and a rank above it has taken nothing, so that it always has a free slot.
template <int kExpertsPerLane, int kRanksPerLane>
struct Pass {
    const Problem& problem;
    const Placement placement;
    int* const loads;  // [ranks]
    const int threshold;
    const int lane;
    int load[kRanksPerLane];
    int remaining[kExpertsPerLane];  // of candidate lane + 32 j; 0 once its rank is not overloaded any more
    uint32 open;                     // bit k: rank lane + 32 k has a free slot and is not closed
    int overloaded;                  // ranks
    int placed;

    __device__ __forceinline__ Pass(const Problem& of, const Placement& into, int* rank_loads, const int limit)
        : problem(of), placement(into), loads(rank_loads), threshold(limit), lane(lane_index()) {
        open = 0;
        overloaded = 0;
        placed = 0;
        __syncwarp();  // the warp's last pass may still be read
#pragma unroll
        for (int k = 0; k < kRanksPerLane; ++k) {
            const int rank = lane + k * kWarpSize;
            const bool valid = rank < problem.ranks;
            load[k] = valid ? problem.rank_load[rank] : 0;
            overloaded += __popc(__ballot_sync(kFullWarp, load[k] > threshold));
            if (valid) {
                loads[rank] = load[k];
                placement.clones[rank] = 0;
                open |= 1u << k;
            }
        }
#pragma unroll
        for (int j = 0; j < kExpertsPerLane; ++j) {
            const int candidate = lane + j * kWarpSize;
            const int packed = candidate < problem.candidates ? problem.candidate[candidate] : 0;
            const bool moves = candidate < problem.candidates && problem.rank_load[donor_of(packed)] > threshold;
            remaining[j] = moves ? problem.expert_load[expert_of(packed)] : 0;
        }
        __syncwarp();
    }

    // The open rank with a free slot that is farthest below the threshold, and how far; 0 if there is none.
    __device__ __forceinline__ int neediest(int* rank) const {
        uint32 deficit = 0;
        uint32 found = kMostRanks;
#pragma unroll
        for (int k = 0; k < kRanksPerLane; ++k) {
            const int lacking = (open >> k & 1u) != 0 ? threshold - load[k] : 0;
            if (lacking > (int)deficit) {
                deficit = (uint32)lacking;
                found = (uint32)(lane + k * kWarpSize);
            }
        }
        const uint32 most = __reduce_max_sync(kFullWarp, deficit);
        *rank = (int)__reduce_min_sync(kFullWarp, deficit == most ? found : (uint32)kMostRanks);
        return (int)most;
    }

    // Bits j of this lane's candidates that a list of experts names.
    __device__ __forceinline__ uint32 mask_of(const int* experts, const int length) const {
        uint32 mask = 0;
        for (int i = 0; i < length; ++i) {
            const int expert = experts[i];
#pragma unroll 1
            for (int j = 0; j * kWarpSize < problem.candidates; ++j) {
                const int candidate = lane + j * kWarpSize;
                if (candidate < problem.candidates && expert_of(problem.candidate[candidate]) == expert) {
                    mask |= 1u << j;
                }
            }
        }
        return mask;
    }

    // What a candidate can give, with kFlag if the receiver holds it already; 0 if it cannot.
    __device__ __forceinline__ uint32 offer(const int j, const int deficit, const int node_start, const uint32 here,
                                            const uint32 held) const {
        const int amount = smaller(remaining[j], deficit);
        int least = problem.min_quota;
        if (problem.ranks_per_node < problem.ranks && amount > 0) {
            const int donor = donor_of(problem.candidate[lane + j * kWarpSize]);
            const bool near = (uint32)(donor - node_start) < (uint32)problem.ranks_per_node;
            least = near ? problem.min_quota : problem.min_quota_across;
        }
        if (amount < least || (here >> j & 1u) != 0) return 0;
        return (uint32)amount | ((held >> j & 1u) != 0 ? kFlag : 0u);
    }

    // The candidate that `rank` takes from and how much; -1 if there is none.
    __device__ __forceinline__ int choose(const int rank, const int deficit, const Preference preference,
                                          const bool use_held, int* taken) const {
        const int first_slot = rank * problem.slots_per_rank;
        const int clones = problem.slots_per_rank > 1 ? placement.clones[rank] : 0;
        const uint32 here = clones > 0 ? mask_of(placement.expert + first_slot, clones) : 0;
        const uint32 held = use_held ? mask_of(problem.held + first_slot, problem.slots_per_rank) : 0;
        const int node_start = problem.node_start[rank];
        uint32 best = 0;
#pragma unroll
        for (int j = 0; j < kExpertsPerLane; ++j) {
            if (j * kWarpSize >= problem.candidates) break;
            const uint32 offered = offer(j, deficit, node_start, here, held);
            best = offered > best ? offered : best;
        }
        const uint32 most = __reduce_max_sync(kFullWarp, best);
        if (most == 0) return -1;
        const int amount = (int)(most & kValue);
        *taken = amount;
        uint32 best_second = 0;
        uint32 position = kMostExperts;
        if (best == most) {
#pragma unroll
            for (int j = 0; j < kExpertsPerLane; ++j) {
                if (j * kWarpSize >= problem.candidates) break;
                if (offer(j, deficit, node_start, here, held) != most) continue;
                const int donor = donor_of(problem.candidate[lane + j * kWarpSize]);
                const int surplus = loads[donor] - threshold;
                uint32 second = (uint32)surplus;
                if (preference == kSameNode) {
                    const bool near = (uint32)(donor - node_start) < (uint32)problem.ranks_per_node;
                    second = (uint32)(surplus / 2) + (near ? 1u << 30 : 0u);
                }
                if (preference == kRemaining) second = (uint32)remaining[j];
                if (preference == kExactMatch) second = (uint32)(kLargestInt - abs(surplus - amount));
                if (position == kMostExperts || second > best_second) {
                    best_second = second;
                    position = (uint32)(lane + j * kWarpSize);
                }
            }
        }
        const uint32 tied = __ballot_sync(kFullWarp, best == most);
        if ((tied & (tied - 1)) == 0) return (int)__shfl_sync(kFullWarp, position, first_lane(tied));
        const uint32 most_second = __reduce_max_sync(kFullWarp, best_second);
        const bool wins = position != kMostExperts && best_second == most_second;
        return (int)__reduce_min_sync(kFullWarp, wins ? position : (uint32)kMostExperts);
    }

    // Moves `amount` of a candidate to a rank; returns what is left above the threshold at its home.
    __device__ __forceinline__ int take(const int rank, const int candidate, const int amount) {
        const int packed = problem.candidate[candidate];
        const int home = donor_of(packed);
        const int home_load = loads[home] - amount;
        const int rank_load = loads[rank] + amount;
        const int clones = problem.slots_per_rank > 1 ? placement.clones[rank] : 0;
        const int clone = rank * problem.slots_per_rank + clones;
        const bool full = clones + 1 == problem.slots_per_rank;
        __syncwarp();  // all have read
        // Without branches: after one the compiler would index, and keep the arrays in memory.
#pragma unroll
        for (int k = 0; k < kRanksPerLane; ++k) {
            const int own = lane + k * kWarpSize;
            load[k] = own == home ? home_load : own == rank ? rank_load : load[k];
            open &= own == rank && full ? ~(1u << k) : ~0u;
        }
#pragma unroll
        for (int j = 0; j < kExpertsPerLane; ++j) remaining[j] -= lane + j * kWarpSize == candidate ? amount : 0;
        if (lane == 0) {
            loads[home] = home_load;
            loads[rank] = rank_load;
            placement.expert[clone] = expert_of(packed);
            placement.quota[clone] = amount;
            placement.order[placed] = pack_clone(clone, rank, home);
            placement.clones[rank] = clones + 1;
        }
        ++placed;
        __syncwarp();
        return home_load - threshold;
    }

    // Places clones anew; whether every rank is at the threshold or below.
    __device__ __forceinline__ bool place(const Preference preference, const bool use_held) {
        while (overloaded > 0) {
            int rank = 0;
            const int deficit = neediest(&rank);
            if (deficit == 0) return false;
            int amount = 0;
            const int candidate = choose(rank, deficit, preference, use_held, &amount);
            if (candidate < 0) {
#pragma unroll
                for (int k = 0; k < kRanksPerLane; ++k) open &= lane + k * kWarpSize == rank ? ~(1u << k) : ~0u;
            } else if (take(rank, candidate, amount) <= 0) {
                --overloaded;
                const int packed = problem.candidate[candidate];
                const int first = candidate - (expert_of(packed) - donor_of(packed) * problem.local_experts);
#pragma unroll
                for (int j = 0; j < kExpertsPerLane; ++j) {
                    const uint32 local = (uint32)(lane + j * kWarpSize - first);
                    remaining[j] = local < (uint32)problem.local_experts ? 0 : remaining[j];
                }
            }
        }
        return true;
    }

    // Fills one rank after the other, each from the most loaded rank, its largest experts first.
    __device__ __forceinline__ void fill_one_by_one() {
        while (true) {
            uint32 most = 0;
            uint32 found = kMostRanks;
#pragma unroll
            for (int k = 0; k < kRanksPerLane; ++k) {
                if ((uint32)load[k] > most) {
                    most = (uint32)load[k];
                    found = (uint32)(lane + k * kWarpSize);
                }
            }
            const uint32 most_of_all = __reduce_max_sync(kFullWarp, most);
            if (most_of_all <= (uint32)threshold) return;
            const int donor =
                (int)__reduce_min_sync(kFullWarp, most == most_of_all ? found : (uint32)kMostRanks);
            const uint32 first = (uint32)problem.candidate_start[donor];
            int rank = 0;
            int lacking = neediest(&rank);
            while (lacking > 0) {
                uint32 largest = 0;
                uint32 position = kMostExperts;
#pragma unroll
                for (int j = 0; j < kExpertsPerLane; ++j) {
                    const uint32 candidate = (uint32)(lane + j * kWarpSize);
                    const bool of_donor = candidate - first < (uint32)problem.local_experts;
                    if (of_donor && (uint32)remaining[j] > largest) {
                        largest = (uint32)remaining[j];
                        position = candidate;
                    }
                }
                const uint32 largest_of_all = __reduce_max_sync(kFullWarp, largest);
                if (largest_of_all == 0) return;  // cannot be with enough slots
                const uint32 tied = largest == largest_of_all ? position : (uint32)kMostExperts;
                const int amount = smaller((int)largest_of_all, lacking);
                take(rank, (int)__reduce_min_sync(kFullWarp, tied), amount);
                lacking -= amount;
            }
        }
    }

    // Gives assignments back to their home ranks as far as these stay within the threshold. Clones are visited
    // last placed first; most find no room, so the warp looks for the next that does.
    __device__ __forceinline__ void give_back() {
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
        int most = 0;
        for (int rank = lane; rank < problem.ranks; rank += kWarpSize) most = larger(most, loads[rank]);
        int sent = 0;
        int across = 0;
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
        most = __reduce_max_sync(kFullWarp, most);
        sent = __reduce_add_sync(kFullWarp, sent);
        across = __reduce_add_sync(kFullWarp, across);
        if (lane == 0) *result = {reached ? 1 : 0, most, sent, across};
    }
};

// Chooses among passes; every thread of the block holds the same state and makes the same decisions.
template <int kExpertsPerLane, int kRanksPerLane>
struct Search {
    const Problem& problem;
    int* const placements;      // kPlacements placements, one after the other
    int* const loads;           // [kPreferences, ranks]
    PassResult* const results;  // [2, kPreferences]
    const int lowest;
    const bool several_nodes;
    int best;
    int best_load;
    int best_sent;
    int best_sent_across;
    int round;

    __device__ __forceinline__ Placement placement(const int index) const {
        int* const first = placements + index * (3 * problem.slots + problem.ranks);
        return {first, first + problem.slots, first + 2 * problem.slots, first + 3 * problem.slots};
    }

    // Where the pass of a preference places: not where the best is.
    __device__ __forceinline__ int place_of(const int preference) const {
        return (best + 1 + preference) % kPlacements;
    }

    // Runs passes, one warp each; all threads must call it.
    __device__ __forceinline__ void run(const uint32 preferences, const int threshold, const bool use_held,
                                        const bool one_by_one) {
        const int warp = threadIdx.x / kWarpSize;
        ++round;
        if (warp < kPreferences && (preferences >> warp & 1u) != 0) {
            Pass<kExpertsPerLane, kRanksPerLane> pass(problem, placement(place_of(warp)),
                                                      loads + warp * problem.ranks, threshold);
            bool reached = true;
            if (one_by_one) {
                pass.fill_one_by_one();
            } else {
                reached = pass.place((Preference)warp, use_held);
            }
            pass.give_back();
            pass.report(reached, &results[round % 2 * kPreferences + warp]);
        }
        __syncthreads();
    }

    // Balance within the threshold is equal balance; then the weights to send count.
    __device__ __forceinline__ bool keep_if_better(const int preference, const int index) {
        const PassResult result = results[round % 2 * kPreferences + preference];
        const int load = larger(lowest, result.max_load);
        const int across = several_nodes ? result.sent_across : 0;
        if (load <= best_load && (load < best_load || result.sent < best_sent ||
                                  (result.sent == best_sent && across < best_sent_across))) {
            best = index;
            best_load = load;
            best_sent = result.sent;
            best_sent_across = across;
        }
        return result.reached != 0;
    }

    // Leaves the placement to use in `best`. One loop around one call of run, because the code of a pass is long
    // and a lone block waits for its instructions.
    __device__ __forceinline__ void place() {
        enum Stage { kWithHeld, kAnew, kOneByOne, kBisection };
        const uint32 first = 1u << kSurplus | (several_nodes ? 1u << kSameNode : 0u);
        const uint32 others = 1u << kRemaining | 1u << kExactMatch;
        Stage stage = problem.holds_any ? kWithHeld : kAnew;
        uint32 preferences = first;
        int threshold = lowest;
        int missed = lowest;
        int step = 0;
        bool reached = false;
        while (true) {
            const int former = best;
            run(preferences, threshold, stage == kWithHeld, stage == kOneByOne);
#pragma unroll 1
            for (int preference = 0; preference < kPreferences; ++preference) {
                if ((preferences >> preference & 1u) == 0) continue;
                // In the bisection all passes run beside each other, needed or not.
                if (preference == kRemaining && preferences != others && reached && best_sent < problem.ranks) break;
                reached |= keep_if_better(preference, (former + 1 + preference) % kPlacements);
            }
            if (stage <= kAnew && preferences == first && (!reached || best_sent >= problem.ranks)) {
                preferences = others;
                continue;
            }
            if (stage == kOneByOne || (stage <= kAnew && reached)) return;
            if (stage == kWithHeld) {
                stage = kAnew;
                preferences = first;
            } else if (stage == kAnew) {
                const bool fill = problem.slots_per_rank >= problem.local_experts && problem.min_quota_across == 1;
                stage = fill ? kOneByOne : kBisection;
                preferences = fill ? 1u << kSurplus : first | others;
            } else {
                if (!reached) missed = threshold;
                ++step;
            }
            if (stage == kBisection) {
                if (step == kSearchSteps || best_load - missed <= 1) return;
                threshold = missed + (best_load - missed) / 2;
            }
            reached = false;
        }
    }
};

// Splits the quotas of one expert's slots over the source ranks, those nearest to the slot first. Within a class
// of sources the ranks give in proportion to what they have left, and the lowest ranks give the rest.
template <int kRanksPerLane>
struct Split {
    // Classes of sources, in the order in which they give; a slot's own rank comes before, the home rank after.
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
            for (int sources = kOwnNode; sources < kClasses; ++sources) {
                split_class((Sources)sources, expert, home, available);
            }
        }
        // The home rank has what is left: quotas sum to at most what the expert has.
        for (int slot = lane; slot < slots; slot += kWarpSize) {
            if (slot_home[slot] == expert && missing[slot] > 0) to_slot[(int64)home * slots + slot] = missing[slot];
        }
    }

    // All sources but the home rank as one class. A slot that lacks some has taken all of its own rank, so what
    // the sources of a slot have together follows from what the slots before it lacked: lanes compute proportions
    // for 32 slots at once.
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
        for (int base = 0; base < problem.slots && sum > 0; base += kWarpSize) {
            const int slot = base + lane;
            const int lacking = slot < problem.slots && slot_home[slot] == expert ? missing[slot] : 0;
            const uint32 all = __ballot_sync(kFullWarp, lacking > 0);
            if (all == 0) continue;
            const int sum_before = larger(0, sum - exclusive_warp_sum(lacking));
            const int wanted = smaller(sum_before, lacking);
            const uint32 share = wanted < sum_before ? proportion(wanted, sum_before) : 0;
            for (uint32 waits = __ballot_sync(kFullWarp, wanted > 0); waits != 0; waits &= waits - 1) {
                const int index = first_lane(waits);
                int given[kRanksPerLane];
#pragma unroll
                for (int k = 0; k < kRanksPerLane; ++k) given[k] = available[k];
                give(base + index, __shfl_sync(kFullWarp, wanted, index), __shfl_sync(kFullWarp, sum_before, index),
                     __shfl_sync(kFullWarp, share, index), given, available);
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
        for (int base = 0; base < problem.slots; base += kWarpSize) {
            const int slot = base + lane;
            const int lacking = slot < problem.slots && slot_home[slot] == expert ? missing[slot] : 0;
            const int receiver = slot / problem.slots_per_rank;
            int left = lacking;
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
                give(base + index, wanted, sum, wanted < sum ? proportion(wanted, sum) : 0, given, available);
                left -= lane == index ? wanted : 0;
            }
            if (left != lacking) missing[slot] = left;
            __syncwarp();
        }
    }

    // Moves `wanted` of what sources can give, `sum` together, to a slot.
    __device__ __forceinline__ void give(const int slot, const int wanted, const int sum, const uint32 share,
                                         int (&given)[kRanksPerLane], int (&available)[kRanksPerLane]) const {
        const int lane = lane_index();
        if (wanted < sum) {
            int left[kRanksPerLane];
            int taken = 0;
#pragma unroll
            for (int k = 0; k < kRanksPerLane; ++k) {
                const int part = share_of(given[k], wanted, sum, share);
                left[k] = given[k] - part;
                given[k] = part;
                taken += part;
            }
            int rest = wanted - __reduce_add_sync(kFullWarp, taken);
#pragma unroll
            for (int k = 0; k < kRanksPerLane; ++k) {
                uint32 can = rest > 0 ? __ballot_sync(kFullWarp, left[k] > 0) : 0;
                while (rest > 0 && can != 0) {
                    const int source = first_lane(can);
                    const int more = smaller(rest, __shfl_sync(kFullWarp, left[k], source));
                    given[k] += lane == source ? more : 0;
                    rest -= more;
                    can &= can - 1;
                }
            }
        }
#pragma unroll
        for (int k = 0; k < kRanksPerLane; ++k) {
            if (given[k] > 0) to_slot[(int64)(lane + k * kWarpSize) * problem.slots + slot] = given[k];
            available[k] -= given[k];
        }
    }
};

// Words of shared memory; the launcher computes the same.
__device__ __forceinline__ int placements_words(const int ranks, const int slots) {
    return kPlacements * (3 * slots + ranks);
}

// Writes the chosen clones of one rank: those whose weights a slot holds already stay in it, the others take the
// free slots in the order of placement.
__device__ __forceinline__ void write_rank(const Problem& problem, const Placement& placement, const int rank,
                                           int* slot_home, int* quota) {
    const int first = rank * problem.slots_per_rank;
    const int clones = placement.clones[rank];
    for (int slot = first; slot < first + problem.slots_per_rank; ++slot) {
        slot_home[slot] = kUnusedSlot;
        quota[slot] = 0;
    }
    if (problem.holds_any) {
        for (int i = first; i < first + clones; ++i) {
            const int slot =
                placement.quota[i] > 0 ? held_slot(problem, rank, placement.expert[i]) : kUnusedSlot;
            if (slot == kUnusedSlot) continue;
            slot_home[slot] = placement.expert[i];
            quota[slot] = placement.quota[i];
        }
    }
    int slot = first;
    for (int i = first; i < first + clones; ++i) {
        if (placement.quota[i] == 0) continue;
        if (problem.holds_any && held_slot(problem, rank, placement.expert[i]) != kUnusedSlot) continue;
        while (slot_home[slot] != kUnusedSlot) ++slot;
        slot_home[slot] = placement.expert[i];
        quota[slot] = placement.quota[i];
    }
}

// The load that no rank shall exceed.
__device__ __forceinline__ int lowest_threshold(const int total, const int ranks, const int tolerance_millionths) {
    const int mean = (int)(((int64)total + ranks - 1) / ranks);
    const int64 band = (int64)total * (kMillion + tolerance_millionths) / ((int64)kMillion * ranks);
    return larger(mean, band < total ? (int)band : total);
}

// Lists the experts of ranks above a threshold, in ascending order; returns their number. Ends with a barrier.
__device__ __forceinline__ int list_candidates(const int* rank_load, const int ranks, const int local_experts,
                                               const int threshold, int* candidate, int* candidate_start) {
    int before = 0;
    for (int base = 0; base < ranks; base += kWarpSize) {  // every warp by itself
        const int rank = base + lane_index();
        const bool over = rank < ranks && rank_load[rank] > threshold;
        const uint32 ballot = __ballot_sync(kFullWarp, over);
        if (over) {
            const int start = (before + __popc(ballot & ((1u << lane_index()) - 1))) * local_experts;
            if (threadIdx.x < kWarpSize) candidate_start[rank] = start;
            for (int local = threadIdx.x / kWarpSize; local < local_experts; local += blockDim.x / kWarpSize) {
                candidate[start + local] = pack_candidate(rank * local_experts + local, rank);
            }
        }
        before += __popc(ballot);
    }
    __syncthreads();
    return before * local_experts;
}

// So that one warp's experts fit its registers.
template <int kExpertsPerLane>
constexpr int kBalancedThreads = kExpertsPerLane > 8 ? 256 : 512;

template <int kExpertsPerLane, int kRanksPerLane, bool kReplan>
__global__ void __launch_bounds__(kBalancedThreads<kExpertsPerLane>, 1)
    plan_balanced(const int* __restrict__ counts, const int ranks, const int experts, const int slots_per_rank,
                  const int tolerance_millionths, const int ranks_per_node, const int min_quota,
                  const int min_quota_across, int* __restrict__ held, int* __restrict__ to_send,
                  int* __restrict__ slot_home, int* __restrict__ quota, int* __restrict__ to_slot) {
    static_assert(kExpertsPerLane <= 32 && kRanksPerLane <= kMostRanksPerLane, "a mask is one word");
    constexpr int kThreads = kBalancedThreads<kExpertsPerLane>;
    extern __shared__ int4 shared_memory[];
    const int slots = ranks * slots_per_rank;
    PassResult* const results = (PassResult*)shared_memory;
    int* const expert_load = (int*)(results + 2 * kPreferences);
    int* const clones_of = expert_load + experts;
    int* const cloned = clones_of + experts;
    int* const rank_load = cloned + experts;
    int* const node_start = rank_load + ranks;
    int* const loads = node_start + ranks;
    int* const holding = loads + kPreferences * ranks;
    int* const home_in_slot = holding + slots;
    int* const missing = home_in_slot + slots;
    int* const placements = missing + slots;
    int* const listed = placements + placements_words(ranks, slots);

    for (int expert = threadIdx.x; expert < experts; expert += kThreads) {
        expert_load[expert] = 0;
        clones_of[expert] = 0;
    }
    for (int rank = threadIdx.x; rank < ranks; rank += kThreads) {
        node_start[rank] = rank - rank % ranks_per_node;
        placements[3 * slots + rank] = 0;  // the first placement starts as the best: empty
    }
    if (threadIdx.x == 0) *listed = 0;
    bool holds = false;
    for (int slot = threadIdx.x; slot < slots; slot += kThreads) {
        holding[slot] = kReplan ? held[slot] : kUnusedSlot;
        holds |= holding[slot] != kUnusedSlot;
    }
    fill(to_slot, (int64)ranks * slots, 0);
    const bool holds_any = kReplan ? __syncthreads_or(holds) != 0 : false;
    if (!kReplan) __syncthreads();
    sum_loads(counts, ranks, experts, expert_load, rank_load);

    const int lowest = lowest_threshold(sum_in_warp(rank_load, ranks), ranks, tolerance_millionths);
    const int local_experts = experts / ranks;
    // Memory of what is written after the search.
    int* const candidate = cloned;
    int* const candidate_start = home_in_slot;
    const int candidates = list_candidates(rank_load, ranks, local_experts, lowest, candidate, candidate_start);
    const Problem problem = {counts,           ranks,       experts,        slots_per_rank, slots,
                             local_experts,    ranks_per_node, min_quota,   min_quota_across, expert_load,
                             rank_load,        holding,     node_start,     candidate, candidate_start,
                             candidates,       holds_any};
    Search<kExpertsPerLane, kRanksPerLane> search = {
        problem, placements, loads, results, lowest, ranks_per_node < ranks, 0, kLargestInt, 0, 0, 0};
    search.place();

    const Placement best = search.placement(search.best);
    for (int rank = threadIdx.x; rank < ranks; rank += kThreads) {
        write_rank(problem, best, rank, home_in_slot, missing);
    }
    __syncthreads();
    for (int slot = threadIdx.x; slot < slots; slot += kThreads) {
        const int wanted = home_in_slot[slot];
        slot_home[slot] = wanted;
        quota[slot] = missing[slot];
        if (kReplan) {
            const bool lacks = wanted != kUnusedSlot && wanted != holding[slot];
            to_send[slot] = lacks ? wanted : kUnusedSlot;
            if (lacks) held[slot] = wanted;
        }
    }
    list_cloned(home_in_slot, slots, clones_of, cloned, listed);
    const Split<kRanksPerLane> split = {problem, home_in_slot, missing, to_slot};
    for (int i = threadIdx.x / kWarpSize; i < *listed; i += kThreads / kWarpSize) split.split(cloned[i]);
}
