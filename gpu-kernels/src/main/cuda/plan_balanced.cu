// plan_balanced.cu: the plan with the lowest maximum rank load, then with the fewest weights to send, then
// with the fewest assignments that cross ranks and nodes; the same bits as io.antiphon.plan.BalancedPlanner,
// which explains the rules and whose names these are.
//
//   counts     [ranks, experts]  i32  read; assignments of each source rank to each home expert
//   held       [slots]           i32  kReplan only: read, then written; experts in the slots, -1 for none
//   to_send    [slots]           i32  kReplan only: written; experts that must be sent, -1 for none
//   slot_home  [slots]           i32  written; expert of each slot, -1 if unused
//   quota      [slots]           i32  written; assignments of each slot
//   to_slot    [ranks, slots]    i32  written; how many of them each source rank sends
//   ranks <= 32 * kRanksPerLane, experts and slots = ranks * slots_per_rank <= 1024
//
// Launch: one block of kBalancedThreads with plan_balanced_shared_bytes() of dynamic shared memory. Bound:
// latency. Placing clones is a chain of at most slots rounds, each of which depends on the last; one warp
// takes it. Passes with different preferences are independent: one warp each. Sums and splits use the whole
// block. Deterministic: integers, and ties go to the lowest index.
#include "plan_pass.cuh"
#include "plan_split.cuh"

constexpr int kMillion = 1000000;
constexpr int kSearchSteps = 10;
constexpr int kPlacements = 5;  // one per pass, and the best so far

// Words of shared memory for the search, and before for sums.
__host__ __device__ constexpr int search_words(const int ranks, const int experts, const int slots) {
    const int words = kPlacements * placement_words(ranks, slots) + kPreferences * pass_words(ranks, experts);
    return larger(kSumWords, words);
}

enum Stage { kWithHeld, kAnew, kOneByOne, kBisection };

// Chooses among passes; every thread of the block holds the same state and makes the same decisions.
template <int kRanksPerLane, bool kReplan>
struct Search {
    const Problem& problem;
    int* const placements;      // kPlacements placements, then what the passes need besides
    PassResult* const results;  // [2, kPreferences]
    const int lowest;
    const bool small_loads;  // a load and a rank fit one word
    int best;
    int best_placed;
    int best_load;
    int best_sent;
    int best_sent_across;
    int round;

    __device__ __forceinline__ Placement placement(const int index) const {
        int* const quota = placements + index * placement_words(problem.ranks, problem.slots);
        int* const order = quota + problem.slots;
        int* const clones = order + problem.slots;
        return {quota, order, clones, (uint16*)(clones + problem.ranks)};
    }

    // Where the pass of a preference places: not where the best is.
    __device__ __forceinline__ static int place_of(const int preference, const int best_place) {
        const int place = best_place + 1 + preference;
        return place < kPlacements ? place : place - kPlacements;
    }

    template <typename Key>
    __device__ __forceinline__ void run_pass(const Preference preference, const Stage stage,
                                             const int threshold) {
        int* const memory = placements + kPlacements * placement_words(problem.ranks, problem.slots) +
                            preference * pass_words(problem.ranks, problem.experts);
        const Placement into = placement(place_of(preference, best));
        Pass<Key, kRanksPerLane, kReplan> pass(problem, into, memory, threshold);
        bool reached = true;
        if (stage == kOneByOne) {
            pass.fill_one_by_one();
        } else {
            reached = pass.place(preference, stage == kWithHeld);
        }
        pass.give_back(reached, &results[round % 2 * kPreferences + preference]);
    }

    // Runs passes, one warp each; all threads must call it.
    __device__ __forceinline__ void run(const uint32 preferences, const Stage stage, const int threshold) {
        const int warp = threadIdx.x / kWarpSize;
        ++round;
        if (warp < kPreferences && (preferences >> warp & 1u) != 0) {
            if (small_loads) {
                run_pass<uint32>((Preference)warp, stage, threshold);
            } else {
                run_pass<uint64>((Preference)warp, stage, threshold);
            }
        }
        __syncthreads();
    }

    // Balance within the threshold is equal balance; then the weights to send count.
    __device__ __forceinline__ bool keep_if_better(const int preference, const int place) {
        const PassResult result = results[round % 2 * kPreferences + preference];
        const int load = larger(lowest, result.max_load);
        if (load <= best_load && (load < best_load || result.sent < best_sent ||
                                  (result.sent == best_sent && result.sent_across < best_sent_across))) {
            best = place;
            best_placed = result.placed;
            best_load = load;
            best_sent = result.sent;
            best_sent_across = result.sent_across;
        }
        return result.reached != 0;
    }

    // Leaves the placement to use in `best`. One loop around one call of run, for the code of a pass is long.
    __device__ __forceinline__ void place() {
        const uint32 first = 1u << kSurplus | (problem.several_nodes ? 1u << kSameNode : 0u);
        const uint32 others = 1u << kRemaining | 1u << kExactMatch;
        Stage stage = problem.holds_any ? kWithHeld : kAnew;
        uint32 preferences = first;
        int threshold = lowest;
        int missed = lowest;
        int step = 0;
        bool reached = false;
#pragma unroll 1
        while (true) {
            const int former = best;
            run(preferences, stage, threshold);
#pragma unroll 1
            for (uint32 left = preferences; left != 0; left &= left - 1) {
                const int preference = first_lane(left);
                // In the bisection all passes run beside each other, needed or not.
                const bool enough = reached && best_sent < problem.ranks;
                if (stage == kBisection && preference == kRemaining && enough) break;
                reached |= keep_if_better(preference, place_of(preference, former));
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
                const bool fill =
                    problem.slots_per_rank >= problem.local_experts && problem.min_quota_across == 1;
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

// Writes the clones of one rank, which are given by position: those whose weights a slot holds already stay
// in it, the others take the free slots in the order of placement.
__device__ __forceinline__ void write_rank(const Problem& problem, const Placement& placement, const int rank,
                                           const int clones, int* slot_home, int* quota) {
    const int first = rank * problem.slots_per_rank;
    const int end = first + clones;
#pragma unroll 1
    for (int slot = first; slot < first + problem.slots_per_rank; ++slot) {
        slot_home[slot] = kUnusedSlot;
        quota[slot] = 0;
    }
    if (problem.holds_any) {
#pragma unroll 1
        for (int i = first; i < end; ++i) {
            if (placement.quota[i] == 0) continue;
            const int slot = held_slot(problem, rank, placement.expert[i]);
            if (slot == kUnusedSlot) continue;
            slot_home[slot] = placement.expert[i];
            quota[slot] = placement.quota[i];
        }
    }
    int slot = first;
#pragma unroll 1
    for (int i = first; i < end; ++i) {
        if (placement.quota[i] == 0) continue;
        if (problem.holds_any && held_slot(problem, rank, placement.expert[i]) != kUnusedSlot) continue;
        while (slot_home[slot] != kUnusedSlot) ++slot;
        slot_home[slot] = placement.expert[i];
        quota[slot] = placement.quota[i];
    }
}

// The load that no rank shall exceed.
__device__ __forceinline__ int lowest_threshold(const int total, const int ranks,
                                                const int tolerance_millionths) {
    const int mean = (int)(((uint32)total + (uint32)ranks - 1) / (uint32)ranks);
    if (tolerance_millionths == 0) return mean;
    const int64 scaled = (int64)total * (kMillion + tolerance_millionths);  // below 2^52
    const uint32 band = divide(scaled, (int64)kMillion * ranks);
    return larger(mean, band < (uint32)total ? (int)band : total);
}

constexpr int kBalancedThreads = 512;

// The arrays in the kernel's shared memory, one after the other: pointers, or with Place = int how many words
// lie before each.
template <typename Place>
struct BalancedMemory {
    Place search;        // after results of two rounds of passes
    Place expert_load;   // [experts]
    Place clones_of;     // [experts]
    Place cloned;        // [experts]
    Place rank_load;     // [ranks]
    Place rank_most;     // [ranks]
    Place node_start;    // [ranks]
    Place holding;       // [slots]
    Place home_in_slot;  // [slots]
    Place missing;       // [slots]
    Place listed;
    Place next;
    Place end;

    __host__ __device__ constexpr BalancedMemory(const Place start, const int ranks, const int experts,
                                                 const int slots)
        : search(start + 2 * kPreferences * (int)(sizeof(PassResult) / sizeof(int))),
          expert_load(search + search_words(ranks, experts, slots)),
          clones_of(expert_load + experts),
          cloned(clones_of + experts),
          rank_load(cloned + experts),
          rank_most(rank_load + ranks),
          node_start(rank_most + ranks),
          holding(node_start + ranks),
          home_in_slot(holding + slots),
          missing(home_in_slot + slots),
          listed(missing + slots),
          next(listed + 1),
          end(next + 1) {}
};

__host__ __device__ constexpr int plan_balanced_shared_bytes(const int ranks, const int experts,
                                                             const int slots) {
    return BalancedMemory<int>(0, ranks, experts, slots).end * (int)sizeof(int);
}

template <int kRanksPerLane, bool kReplan>
__global__ void __launch_bounds__(kBalancedThreads, 1)
    plan_balanced(const int* __restrict__ counts, const int ranks, const int experts,
                  const int slots_per_rank, const int tolerance_millionths, const int ranks_per_node,
                  const int min_quota, const int min_quota_across, int* __restrict__ held,
                  int* __restrict__ to_send, int* __restrict__ slot_home, int* __restrict__ quota,
                  int* __restrict__ to_slot) {
    static_assert(kRanksPerLane <= kMostRanksPerLane, "a pass is one warp");
    constexpr int kThreads = kBalancedThreads;
    extern __shared__ int4 shared_memory[];
    const int slots = ranks * slots_per_rank;
    const BalancedMemory<int*> at((int*)shared_memory, ranks, experts, slots);
    PassResult* const results = (PassResult*)shared_memory;
    int* const search_memory = at.search;
    int* const expert_load = at.expert_load;
    int* const clones_of = at.clones_of;
    int* const cloned = at.cloned;
    int* const rank_load = at.rank_load;
    int* const rank_most = at.rank_most;
    int* const node_start = at.node_start;
    int* const holding = at.holding;
    int* const home_in_slot = at.home_in_slot;
    int* const missing = at.missing;
    int* const listed = at.listed;
    int* const next = at.next;

    bool holds = false;
    sum_loads(counts, ranks, experts, search_memory, expert_load, rank_load, rank_most, [&] {
        fill(clones_of, experts, 0);
        fill(to_slot, ranks * slots, 0);
#pragma unroll 1
        for (int rank = threadIdx.x; rank < ranks; rank += kThreads) {
            node_start[rank] = rank - rank % ranks_per_node;
        }
        if (threadIdx.x < 2) listed[threadIdx.x] = 0;  // and next
        if (kReplan) {
#pragma unroll 1
            for (int slot = threadIdx.x; slot < slots; slot += kThreads) {
                holding[slot] = held[slot];
                holds |= holding[slot] != kUnusedSlot;
            }
        }
    });
    const bool holds_any = kReplan ? __syncthreads_or(holds) != 0 : false;

    const int total = sum_in_warp(rank_load, ranks);
    const int lowest = lowest_threshold(total, ranks, tolerance_millionths);
    const Problem problem = {
        counts,          ranks,          experts,   slots_per_rank,   slots,
        experts / ranks, ranks_per_node, min_quota, min_quota_across, ranks_per_node < ranks,
        holds_any,       expert_load,    rank_load, rank_most,        holding,
        node_start};
    const bool small_loads = total <= RankKeys<uint32>(ranks).limit();
    Search<kRanksPerLane, kReplan> search = {
        problem, search_memory, results, lowest, small_loads, 0, 0, kLargestInt, 0, 0, 0};
    search.place();

    const Placement best = search.placement(search.best);
    const Placement by_position = search.placement(search.place_of(0, search.best));
#pragma unroll 1
    for (int i = threadIdx.x; i < search.best_placed; i += kThreads) {
        const int position = position_of(best.order[i]);
        by_position.quota[position] = best.quota[i];
        by_position.expert[position] = best.expert[i];
    }
    __syncthreads();
#pragma unroll 1
    for (int rank = threadIdx.x; rank < ranks; rank += kThreads) {
        write_rank(problem, by_position, rank, best.clones[rank], home_in_slot, missing);
#pragma unroll 1
        for (int slot = rank * slots_per_rank; slot < (rank + 1) * slots_per_rank; ++slot) {
            const int wanted = home_in_slot[slot];
            slot_home[slot] = wanted;
            quota[slot] = missing[slot];
            if (wanted != kUnusedSlot && atomicAdd(&clones_of[wanted], 1) == 0) {
                cloned[atomicAdd(listed, 1)] = wanted;
            }
            if (kReplan) {
                const bool lacks = wanted != kUnusedSlot && wanted != holding[slot];
                to_send[slot] = lacks ? wanted : kUnusedSlot;
                if (lacks) held[slot] = wanted;
            }
        }
    }
    __syncthreads();
    const Split<kRanksPerLane> split = {problem, home_in_slot, missing, to_slot};
#pragma unroll 1
    for (int i = threadIdx.x / kWarpSize; i < *listed;) {
        split.split(cloned[i]);
        if (lane_index() == 0) i = kThreads / kWarpSize + atomicAdd(next, 1);  // experts take unlike times
        i = __shfl_sync(kFullWarp, i, 0);
    }
}
