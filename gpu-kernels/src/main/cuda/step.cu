// step.cu: what decides on a step, commits it and leaves its record. One block each. Bound: latency.
#include "reduce.cuh"

constexpr int kStepThreads = 256;

// Places in the counters of a step's state.
constexpr int kSteps = 0;
constexpr int kUpdates = 1;
constexpr int kSkipped = 2;
constexpr int kReplays = 3;

//   squared_norm   [1]  f64  read
//   counters       [4]  i64  read
//   overflow       [1]  i32  read
//   apply          [1]  i32  written: 1 without overflow and with a finite norm
//   learning_rate  [1]  f64  written: linear warm-up, then cosine decay to the floor
//   clip           [1]  f64  written: min(1, max_norm / norm), 1 if max_norm is 0
//
// Launch: one thread.
__global__ void decide_update(const double* __restrict__ squared_norm, const double max_norm,
                              const double peak, const double floor, const int64 warmup_steps,
                              const int64 steps, const int64* __restrict__ counters,
                              const int* __restrict__ overflow, int* __restrict__ apply,
                              double* __restrict__ learning_rate, double* __restrict__ clip) {
    const double squared = squared_norm[0];
    const bool finite = isfinite(squared);
    const double norm = sqrt(squared);
    clip[0] = max_norm > 0 && finite && norm > max_norm ? max_norm / norm : 1;
    apply[0] = finite && overflow[0] == 0 ? 1 : 0;
    const int64 step = counters[kSteps];
    if (step < warmup_steps) {
        learning_rate[0] = peak * (double)(step + 1) / (double)warmup_steps;
    } else if (step >= steps) {
        learning_rate[0] = floor;
    } else {
        const int64 decaying = steps - warmup_steps > 1 ? steps - warmup_steps : 1;
        const double progress = (double)(step - warmup_steps) / (double)decaying;
        learning_rate[0] = floor + 0.5 * (peak - floor) * (1 + cospi(progress));
    }
}

//   counts    [experts]  f64  read: assignments over the global batch
//   overflow  [1]        i32  read: nothing happens if it is set
//   bias      [experts]  f32  added to: rate * sign(mean - count)
//
// Launch: one block of kStepThreads. Deterministic: counts are integers, so their sum is exact.
__global__ void __launch_bounds__(kStepThreads)
    update_expert_bias(const double* __restrict__ counts, const int experts, const double rate,
                       const int* __restrict__ overflow, float* __restrict__ bias) {
    if (overflow[0] != 0) return;
    double sum = 0;
    for (int expert = threadIdx.x; expert < experts; expert += kStepThreads) sum += counts[expert];
    sum = block_sum<kStepThreads>(sum);
    for (int expert = threadIdx.x; expert < experts; expert += kStepThreads) {
        const double missing = sum / experts - counts[expert];
        const double sign = missing > 0 ? 1 : missing < 0 ? -1 : 0;
        bias[expert] += (float)(rate * sign);
    }
}

//   overflow  [1]  i32  read
//   apply     [1]  i32  read
//   counters  [4]  i64  added to: steps and updates or skipped updates unless there is an overflow; replays
//
// Launch: one thread.
__global__ void commit_step(const int* __restrict__ overflow, const int* __restrict__ apply,
                            int64* __restrict__ counters) {
    if (overflow[0] == 0) {
        counters[kSteps] += 1;
        counters[apply[0] == 1 ? kUpdates : kSkipped] += 1;
    }
    counters[kReplays] += 1;
}

//   record    [length]         Element  read
//   counters  [4]              i64      read
//   ring      [slots, length]  Element  row (replays - 1) % slots written; may be memory of the host
//
// Launch: one block of kStepThreads. Once this kernel is done the host sees the row.
template <typename Element>
__global__ void __launch_bounds__(kStepThreads)
    push_record(const Element* __restrict__ record, const int64 length, const int64* __restrict__ counters,
                const int64 slots, Element* __restrict__ ring) {
    const int64 last = (counters[kReplays] - 1) % slots;
    Element* __restrict__ row = ring + (last < 0 ? last + slots : last) * length;
    for (int64 i = threadIdx.x; i < length; i += kStepThreads) row[i] = record[i];
    __threadfence_system();
}
