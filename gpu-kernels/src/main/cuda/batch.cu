// batch.cu: inputs, targets and document boundaries of packed sequences.
#include "reduce.cuh"

constexpr int kBatchThreads = 1024;
constexpr int kNoTarget = -1;

// Maximum over the values of all threads before this one, 0 for the first; `total` becomes the maximum over
// the whole block. All threads of a block of kBatchThreads must call it; values are not negative.
__device__ __forceinline__ int max_before(const int value, int& total) {
    constexpr int kWarps = kBatchThreads / kWarpSize;
    __shared__ int warp_totals[kWarps];
    const int lane = threadIdx.x % kWarpSize;
    const int warp = threadIdx.x / kWarpSize;
    int running = value;
#pragma unroll
    for (int offset = 1; offset < kWarpSize; offset *= 2) {
        const int other = __shfl_up_sync(kFullWarp, running, offset);
        if (lane >= offset) running = max(running, other);
    }
    __syncthreads();  // an earlier call may still be reading
    if (lane == kWarpSize - 1) warp_totals[warp] = running;
    __syncthreads();
    const int before_lane = __shfl_up_sync(kFullWarp, running, 1);
    int before = lane > 0 ? before_lane : 0;
    total = 0;
#pragma unroll
    for (int i = 0; i < kWarps; ++i) {
        if (i < warp) before = max(before, warp_totals[i]);
        total = max(total, warp_totals[i]);
    }
    return before;
}

//   batch            [sequences, sequence_length + 1]  i32  read
//   inputs           [sequences, sequence_length]      i32  written
//   targets          [sequences, sequence_length]      i32  written; -1 after a document's end
//   document_starts  [sequences, sequence_length]      i32  written: a running maximum of the places after
//                                                           an end of text
//
// Launch: one block of kBatchThreads per sequence. Bound: latency. Deterministic: integers.
__global__ void __launch_bounds__(kBatchThreads)
    prepare_batch(const int* __restrict__ batch, const int sequence_length, const int end_of_text,
                  int* __restrict__ inputs, int* __restrict__ targets, int* __restrict__ document_starts) {
    const int* __restrict__ packed = batch + (int64)blockIdx.x * (sequence_length + 1);
    const int64 first_token = (int64)blockIdx.x * sequence_length;
    int carried = 0;
    for (int first = 0; first < sequence_length; first += kBatchThreads) {
        const int place = first + (int)threadIdx.x;
        const bool inside = place < sequence_length;
        const int id = inside ? packed[place] : 0;
        const bool ends = inside && id == end_of_text;
        int total;
        const int start = max(carried, max_before(ends ? place + 1 : 0, total));
        carried = max(carried, total);
        if (inside) {
            inputs[first_token + place] = id;
            targets[first_token + place] = ends ? kNoTarget : packed[place + 1];
            document_starts[first_token + place] = start;
        }
    }
}

//   targets  [tokens]  i32  read
//   count    [1]       f64  added to
//
// Launch: one block of kBatchThreads. Bound: latency. Deterministic: integers.
__global__ void __launch_bounds__(kBatchThreads)
    count_targets(const int* __restrict__ targets, const int64 tokens, double* __restrict__ count) {
    int64 known = 0;
#pragma unroll 4
    for (int64 i = threadIdx.x; i < tokens; i += kBatchThreads) known += targets[i] != kNoTarget ? 1 : 0;
    known = block_sum<kBatchThreads>(known);
    if (threadIdx.x == 0) count[0] += (double)known;
}
