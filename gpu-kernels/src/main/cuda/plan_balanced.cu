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
// Launch: one block of kBalancedThreads with 33 + 7 * experts + 12 * ranks + 18 * slots words of dynamic
// shared memory. Bound: latency. Placing clones is a chain of at most slots rounds, each of which depends on
// the last; one warp takes it. Passes with different preferences are independent: one warp each. Sums and
// splits use the whole block. Deterministic: integers, and ties go to the lowest index.
#include "plan_pass.cuh"
#include "plan_split.cuh"

constexpr int kMillion = 1000000;
constexpr int kSearchSteps = 10;
constexpr int kPlacements = 5;  // one per pass, and the best so far

// Chooses among passes; every thread of the block holds the same state and makes the same decisions.
template <int kRanksPerLane>
struct Search {
    const Problem& problem;
    int* const placements;      // kPlacements placements, one after the other
    int* const loads;           // [kPreferences, ranks]
    int* const remaining;       // [kPreferences, experts]
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
            Pass<kRanksPerLane> pass(problem, placement(place_of(warp)), loads + warp * problem.ranks,
                                     remaining + warp * problem.experts, threshold);
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

    // Leaves the placement to use in `best`. One loop around one call of run, because the code of a pass is
    // long.
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
                if (preference == kRemaining && preferences != others && reached &&
                    best_sent < problem.ranks) {
                    break;
                }
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

// Words of shared memory; the launcher computes the same.
__device__ __forceinline__ int placements_words(const int ranks, const int slots) {
    return kPlacements * (3 * slots + ranks);
}

// Writes the chosen clones of one rank: those whose weights a slot holds already stay in it, the others take
// the free slots in the order of placement.
__device__ __forceinline__ void write_rank(const Problem& problem, const Placement& placement, const int rank,
                                           int* slot_home, int* quota) {
    const int first = rank * problem.slots_per_rank;
    const int clones = placement.clones[rank];
#pragma unroll 1
    for (int slot = first; slot < first + problem.slots_per_rank; ++slot) {
        slot_home[slot] = kUnusedSlot;
        quota[slot] = 0;
    }
    if (problem.holds_any) {
#pragma unroll 1
        for (int i = first; i < first + clones; ++i) {
            const int slot =
                placement.quota[i] > 0 ? held_slot(problem, rank, placement.expert[i]) : kUnusedSlot;
            if (slot == kUnusedSlot) continue;
            slot_home[slot] = placement.expert[i];
            quota[slot] = placement.quota[i];
        }
    }
    int slot = first;
#pragma unroll 1
    for (int i = first; i < first + clones; ++i) {
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
    const int mean = (int)(((int64)total + ranks - 1) / ranks);
    const int64 band = (int64)total * (kMillion + tolerance_millionths) / ((int64)kMillion * ranks);
    return larger(mean, band < total ? (int)band : total);
}

constexpr int kBalancedThreads = 512;

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
    PassResult* const results = (PassResult*)shared_memory;
    int* const expert_load = (int*)(results + 2 * kPreferences);
    int* const clones_of = expert_load + experts;
    int* const cloned = clones_of + experts;
    int* const rank_load = cloned + experts;
    int* const rank_most = rank_load + ranks;
    int* const node_start = rank_most + ranks;
    int* const loads = node_start + ranks;
    int* const remaining = loads + kPreferences * ranks;
    int* const holding = remaining + kPreferences * experts;
    int* const home_in_slot = holding + slots;
    int* const missing = home_in_slot + slots;
    int* const placements = missing + slots;
    int* const listed = placements + placements_words(ranks, slots);

#pragma unroll 1
    for (int expert = threadIdx.x; expert < experts; expert += kThreads) {
        expert_load[expert] = 0;
        clones_of[expert] = 0;
    }
#pragma unroll 1
    for (int rank = threadIdx.x; rank < ranks; rank += kThreads) {
        node_start[rank] = rank - rank % ranks_per_node;
        placements[3 * slots + rank] = 0;  // the first placement starts as the best: empty
    }
    if (threadIdx.x == 0) *listed = 0;
    bool holds = false;
#pragma unroll 1
    for (int slot = threadIdx.x; slot < slots; slot += kThreads) {
        holding[slot] = kReplan ? held[slot] : kUnusedSlot;
        holds |= holding[slot] != kUnusedSlot;
    }
    fill(to_slot, (int64)ranks * slots, 0);
    const bool holds_any = kReplan ? __syncthreads_or(holds) != 0 : false;
    if (!kReplan) __syncthreads();
    sum_loads(counts, ranks, experts, expert_load, rank_load, rank_most);

    const int lowest = lowest_threshold(sum_in_warp(rank_load, ranks), ranks, tolerance_millionths);
    const int local_experts = experts / ranks;
    const bool several_nodes = ranks_per_node < ranks;
    const Problem problem = {
        counts,    ranks,            experts,     slots_per_rank, slots,     local_experts, ranks_per_node,
        min_quota, min_quota_across, expert_load, rank_load,      rank_most, holding,       node_start,
        several_nodes, holds_any};
    Search<kRanksPerLane> search = {problem, placements, loads, remaining, results,
                                    lowest,  several_nodes, 0,  kLargestInt, 0, 0, 0};
    search.place();

    const Placement best = search.placement(search.best);
#pragma unroll 1
    for (int rank = threadIdx.x; rank < ranks; rank += kThreads) {
        write_rank(problem, best, rank, home_in_slot, missing);
    }
    __syncthreads();
#pragma unroll 1
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
#pragma unroll 1
    for (int i = threadIdx.x / kWarpSize; i < *listed; i += kThreads / kWarpSize) split.split(cloned[i]);
}
