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
// Launch: one block of 512 threads with balanced_shared_bytes of dynamic shared memory. Bound: latency. Placing
// clones is a chain of at most slots rounds, each of which depends on the last; one warp takes it, its lanes
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

// The slot of a rank that holds an expert already, or -1.
__device__ __forceinline__ int held_slot(const Problem& problem, const int rank, const int expert) {
    const int first = rank * problem.slots_per_rank;
    for (int slot = first; slot < first + problem.slots_per_rank; ++slot) {
        if (problem.held[slot] == expert) return slot;
    }
    return kUnusedSlot;
}

// The state of one pass: ranks in lanes with stride 32, experts in lanes in runs, so that the lowest index is
// found by the lowest register and lane; loads in shared memory too, with kFlag on ranks with a free slot.
template <int kExpertsPerLane, int kRanksPerLane>
struct Pass {
    const Problem& problem;
    const Placement placement;
    uint32* const words;  // [ranks]
    const int threshold;
    const int lane;
    int load[kRanksPerLane];
    int remaining[kExpertsPerLane];
    uint32 open;  // bit k: rank lane + 32 k has a free slot and is not closed
    int placed;

    __device__ __forceinline__ Pass(const Problem& of, const Placement& into, uint32* load_words, const int limit)
        : problem(of), placement(into), words(load_words), threshold(limit), lane(lane_index()), open(0), placed(0) {
        __syncwarp();  // the warp's last pass may still be read
#pragma unroll
        for (int k = 0; k < kRanksPerLane; ++k) {
            const int rank = lane + k * kWarpSize;
            load[k] = 0;
            if (rank < problem.ranks) {
                load[k] = problem.rank_load[rank];
                words[rank] = (uint32)load[k] | kFlag;
                placement.clones[rank] = 0;
                open |= 1u << k;
            }
        }
#pragma unroll
        for (int j = 0; j < kExpertsPerLane; ++j) {
            const int expert = lane * kExpertsPerLane + j;
            remaining[j] = expert < problem.experts ? problem.expert_load[expert] : 0;
        }
        __syncwarp();
    }

    __device__ __forceinline__ bool is_overloaded() const {
        bool over = false;
#pragma unroll
        for (int k = 0; k < kRanksPerLane; ++k) over |= load[k] > threshold;
        return __any_sync(kFullWarp, over);
    }

    // The open rank with a free slot that is farthest below the threshold, or -1.
    __device__ __forceinline__ int neediest() const {
        uint32 deficit = 0;
        int rank = 0;
#pragma unroll
        for (int k = 0; k < kRanksPerLane; ++k) {
            const int lacking = threshold - load[k];
            if ((open >> k & 1u) != 0 && lacking > (int)deficit) {
                deficit = (uint32)lacking;
                rank = lane + k * kWarpSize;
            }
        }
        const uint32 most = __reduce_max_sync(kFullWarp, deficit);
        if (most == 0) return -1;
        return (int)__reduce_min_sync(kFullWarp, deficit == most ? (uint32)rank : (uint32)kMostRanks);
    }

    // Bits of this lane's experts that a list names.
    __device__ __forceinline__ uint32 mask_of(const int* experts, const int length) const {
        uint32 mask = 0;
        for (int i = 0; i < length; ++i) {
            const uint32 j = (uint32)(experts[i] - lane * kExpertsPerLane);
            if (j < (uint32)kExpertsPerLane) mask |= 1u << j;
        }
        return mask;
    }

    // The expert that `rank` takes from, its home rank and how much; false if there is none.
    __device__ __forceinline__ bool choose(const int rank, const Preference preference, const bool use_held,
                                           int* chosen, int* donated_by, int* taken) const {
        const int first_slot = rank * problem.slots_per_rank;
        const uint32 here = mask_of(placement.expert + first_slot, placement.clones[rank]);
        const uint32 held = use_held ? mask_of(problem.held + first_slot, problem.slots_per_rank) : 0;
        const int deficit = threshold - (int)(words[rank] & kValue);
        const int node_start = problem.node_start[rank];
        uint32 best = 0;
        uint32 best_second = 0;
        int best_candidate = 0;  // expert and donor
        int donor = lane * kExpertsPerLane / problem.local_experts;
        int local = lane * kExpertsPerLane - donor * problem.local_experts;
        uint32 word = donor < problem.ranks ? words[donor] : 0;
#pragma unroll
        for (int j = 0; j < kExpertsPerLane; ++j) {
            const int surplus = (int)(word & kValue) - threshold;
            const int limit = (word & kFlag) != 0 ? deficit : smaller(deficit, surplus);
            const bool near = (uint32)(donor - node_start) < (uint32)problem.ranks_per_node;
            const int least = near ? problem.min_quota : problem.min_quota_across;
            const int amount = smaller(remaining[j], limit);
            if (surplus > 0 && amount >= least && (here >> j & 1u) == 0) {
                const uint32 first = (uint32)amount | ((held >> j & 1u) != 0 ? kFlag : 0u);
                uint32 second = (uint32)surplus;
                if (preference == kSameNode) second = (uint32)(surplus / 2) + (near ? 1u << 30 : 0u);
                if (preference == kRemaining) second = (uint32)remaining[j];
                if (preference == kExactMatch) second = (uint32)(kLargestInt - abs(surplus - amount));
                if (first > best || (first == best && second > best_second)) {
                    best = first;
                    best_second = second;
                    best_candidate = (lane * kExpertsPerLane + j) | donor << 16;
                }
            }
            if (++local == problem.local_experts) {
                local = 0;
                ++donor;
                word = donor < problem.ranks ? words[donor] : 0;
            }
        }
        const uint32 most = __reduce_max_sync(kFullWarp, best);
        if (most == 0) return false;
        const uint32 most_second = __reduce_max_sync(kFullWarp, best == most ? best_second : 0u);
        const int winner = first_lane(__ballot_sync(kFullWarp, best == most && best_second == most_second));
        const int candidate = __shfl_sync(kFullWarp, best_candidate, winner);
        *chosen = candidate & 0xffff;
        *donated_by = candidate >> 16;
        *taken = (int)(most & kValue);
        return true;
    }

    __device__ __forceinline__ void change_load(const int rank, const int by) {
        // Sums without branches: after a branch the compiler would index, and keep the arrays in memory.
#pragma unroll
        for (int k = 0; k < kRanksPerLane; ++k) load[k] += lane + k * kWarpSize == rank ? by : 0;
        if (lane == rank % kWarpSize) words[rank] += (uint32)by;
    }

    __device__ __forceinline__ void take(const int rank, const int from, const int home, const int amount) {
        const int clones = placement.clones[rank];
        const int clone = rank * problem.slots_per_rank + clones;
        __syncwarp();  // all have read the number of clones
#pragma unroll
        for (int j = 0; j < kExpertsPerLane; ++j) {
            remaining[j] -= lane * kExpertsPerLane + j == from ? amount : 0;
        }
        change_load(home, -amount);
        change_load(rank, amount);
        if (clones + 1 == problem.slots_per_rank && lane == rank % kWarpSize) {
            open &= ~(1u << rank / kWarpSize);
            words[rank] &= kValue;
        }
        if (lane == 0) {
            placement.expert[clone] = from;
            placement.quota[clone] = amount;
            placement.order[placed] = pack_clone(clone, rank, home);
            placement.clones[rank] = clones + 1;
        }
        ++placed;
        __syncwarp();
    }

    // Places clones anew; whether every rank is at the threshold or below.
    __device__ __forceinline__ bool place(const Preference preference, const bool use_held) {
        while (is_overloaded()) {
            const int rank = neediest();
            if (rank < 0) return false;
            int from = 0;
            int home = 0;
            int amount = 0;
            if (choose(rank, preference, use_held, &from, &home, &amount)) {
                take(rank, from, home, amount);
            } else if (lane == rank % kWarpSize) {
                open &= ~(1u << rank / kWarpSize);
            }
        }
        return true;
    }

    // Fills one rank after the other, each from the most loaded rank, its largest experts first.
    __device__ __forceinline__ void fill_one_by_one() {
        while (is_overloaded()) {
            const int rank = neediest();
            if (rank < 0) return;
            uint32 most = 0;
            int donor = 0;
#pragma unroll
            for (int k = 0; k < kRanksPerLane; ++k) {
                if ((uint32)load[k] > most) {
                    most = (uint32)load[k];
                    donor = lane + k * kWarpSize;
                }
            }
            const uint32 most_of_all = __reduce_max_sync(kFullWarp, most);
            donor = (int)__reduce_min_sync(kFullWarp, most == most_of_all ? (uint32)donor : (uint32)kMostRanks);
            const int first = donor * problem.local_experts;
            const int end = first + problem.local_experts;
            for (int lacking = threshold - (int)(words[rank] & kValue); lacking > 0;) {
                uint32 largest = 0;
                int expert = kMostExperts;
#pragma unroll
                for (int j = 0; j < kExpertsPerLane; ++j) {
                    const int candidate = lane * kExpertsPerLane + j;
                    if (candidate >= first && candidate < end && (uint32)remaining[j] > largest) {
                        largest = (uint32)remaining[j];
                        expert = candidate;
                    }
                }
                const uint32 largest_of_all = __reduce_max_sync(kFullWarp, largest);
                if (largest_of_all == 0) return;  // cannot be with enough slots
                const uint32 tied = largest == largest_of_all ? (uint32)expert : (uint32)kMostExperts;
                const int amount = smaller((int)largest_of_all, lacking);
                take(rank, (int)__reduce_min_sync(kFullWarp, tied), donor, amount);
                lacking -= amount;
            }
        }
    }

    // Gives assignments back to their home ranks as far as these stay within the threshold. Clones are visited
    // last placed first; most find no room, so the warp looks for the next that does.
    __device__ __forceinline__ void give_back() {
        for (int rank = lane; rank < problem.ranks; rank += kWarpSize) words[rank] &= kValue;
        __syncwarp();
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
                const int slack = waits ? threshold - (int)words[home] : 0;
                const int back = quota <= slack ? quota : smaller(slack, quota - kept);
                const uint32 ballot = __ballot_sync(kFullWarp, waits && slack > 0 && back > 0);
                if (ballot == 0) break;
                const int giver = last_lane(ballot);
                __syncwarp();  // all have read the loads
                if (lane == giver) {
                    placement.quota[clone] = quota - back;
                    words[home] += (uint32)back;
                    words[receiver] -= (uint32)back;
                }
                waits = waits && lane < giver;
                __syncwarp();
            }
        }
    }

    __device__ __forceinline__ void report(const bool reached, PassResult* result) const {
        int most = 0;
        for (int rank = lane; rank < problem.ranks; rank += kWarpSize) most = larger(most, (int)words[rank]);
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
    uint32* const words;        // [kPreferences, ranks]
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
                                                      words + warp * problem.ranks, threshold);
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

constexpr int kBalancedThreads = 512;

template <int kExpertsPerLane, int kRanksPerLane, bool kReplan>
__global__ void __launch_bounds__(kBalancedThreads, 1)
    plan_balanced(const int* __restrict__ counts, const int ranks, const int experts, const int slots_per_rank,
                  const int tolerance_millionths, const int ranks_per_node, const int min_quota,
                  const int min_quota_across, int* __restrict__ held, int* __restrict__ to_send,
                  int* __restrict__ slot_home, int* __restrict__ quota, int* __restrict__ to_slot) {
    static_assert(kExpertsPerLane <= 32 && kRanksPerLane <= kMostRanksPerLane, "a mask is one word");
    extern __shared__ int4 shared_memory[];
    const int slots = ranks * slots_per_rank;
    PassResult* const results = (PassResult*)shared_memory;
    int* const expert_load = (int*)(results + 2 * kPreferences);
    int* const clones_of = expert_load + experts;
    int* const cloned = clones_of + experts;
    int* const rank_load = cloned + experts;
    int* const node_start = rank_load + ranks;
    uint32* const words = (uint32*)(node_start + ranks);
    int* const holding = (int*)words + kPreferences * ranks;
    int* const home_in_slot = holding + slots;
    int* const missing = home_in_slot + slots;
    int* const placements = missing + slots;
    int* const listed = placements + placements_words(ranks, slots);

    for (int expert = threadIdx.x; expert < experts; expert += kBalancedThreads) {
        expert_load[expert] = 0;
        clones_of[expert] = 0;
    }
    for (int rank = threadIdx.x; rank < ranks; rank += kBalancedThreads) {
        node_start[rank] = rank - rank % ranks_per_node;
        placements[3 * slots + rank] = 0;  // the first placement starts as the best: empty
    }
    if (threadIdx.x == 0) *listed = 0;
    bool holds = false;
    for (int slot = threadIdx.x; slot < slots; slot += kBalancedThreads) {
        holding[slot] = kReplan ? held[slot] : kUnusedSlot;
        holds |= holding[slot] != kUnusedSlot;
    }
    fill(to_slot, (int64)ranks * slots, 0);
    const bool holds_any = kReplan ? __syncthreads_or(holds) != 0 : false;
    if (!kReplan) __syncthreads();
    sum_loads(counts, ranks, experts, expert_load, rank_load);

    const Problem problem = {counts,           ranks,       experts,   slots_per_rank, slots,
                             experts / ranks,  ranks_per_node, min_quota, min_quota_across, expert_load,
                             rank_load,        holding,     node_start, holds_any};
    const int lowest = lowest_threshold(sum_in_warp(rank_load, ranks), ranks, tolerance_millionths);
    Search<kExpertsPerLane, kRanksPerLane> search = {
        problem, placements, words, results, lowest, ranks_per_node < ranks, 0, kLargestInt, 0, 0, 0};
    search.place();

    const Placement best = search.placement(search.best);
    for (int rank = threadIdx.x; rank < ranks; rank += kBalancedThreads) {
        write_rank(problem, best, rank, home_in_slot, missing);
    }
    __syncthreads();
    for (int slot = threadIdx.x; slot < slots; slot += kBalancedThreads) {
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
    for (int i = threadIdx.x / kWarpSize; i < *listed; i += kBalancedThreads / kWarpSize) split.split(cloned[i]);
}
