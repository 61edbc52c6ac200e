// peer_rows.cu: token rows to their final places on other ranks, and back. Each kernel runs between two
// meetings: before it buffers of peers may be written and their inputs are complete, after it all is done.
//
//   destination_rank, destination_row  [tokens, top_k]  i32  read; rank -1 leaves an assignment out
//
// Bound: links between devices, or memory where ranks share one. Deterministic: every row has one writer, and
// sums take the choices of a token in ascending order in fp32 (fp64 for fp64), starting from zero.
#include "peer_group.cuh"

constexpr uint32 kAllLanes = 0xffffffffu;

// Row t of x goes to every destination of token t; it is read once.
//
//   x    [tokens, row_words]      moved as Word, on this rank; read
//   out  [rows, row_words]        of every rank, null for ranks to leave out; addressed rows are written
//
// Launch: 1-D grid of any size, blocks of whole warps; a warp takes a token.
template <typename Word>
__global__ void __launch_bounds__(256)
    peer_dispatch(const Word* __restrict__ x, const int* __restrict__ destination_rank,
                  const int* __restrict__ destination_row, const __grid_constant__ Addresses out,
                  const Watch* const watch, const int64 tokens, const int top_k, const int64 row_words) {
    constexpr int kUnroll = 4;
    if (is_lost(watch)) return;
    const int lane = threadIdx.x % kWarpLanes;
    const int warps = blockDim.x / kWarpLanes;
    const int64 stride = (int64)gridDim.x * warps;
    for (int64 token = (int64)blockIdx.x * warps + threadIdx.x / kWarpLanes; token < tokens;
         token += stride) {
        const Word* const row = x + token * row_words;
        for (int first = 0; first < top_k; first += kWarpLanes) {
            uint64 target = 0;
            if (first + lane < top_k) {
                const int64 assignment = token * top_k + first + lane;
                const int rank = destination_rank[assignment];
                if (rank >= 0 && out.of[rank] != nullptr) {
                    target = (uint64)((Word*)out.of[rank] + destination_row[assignment] * row_words);
                }
            }
            const uint32 used = __ballot_sync(kAllLanes, target != 0);
            if (used == 0) continue;
            for (int64 start = lane; start - lane < row_words; start += kWarpLanes * kUnroll) {
                Word values[kUnroll];
#pragma unroll
                for (int i = 0; i < kUnroll; ++i) {
                    if (start + i * kWarpLanes < row_words) values[i] = row[start + i * kWarpLanes];
                }
                for (uint32 left = used; left != 0; left &= left - 1) {
                    Word* const to = (Word*)__shfl_sync(kAllLanes, target, __ffs(left) - 1);
#pragma unroll
                    for (int i = 0; i < kUnroll; ++i) {
                        if (start + i * kWarpLanes < row_words) to[start + i * kWarpLanes] = values[i];
                    }
                }
            }
        }
    }
}

// One number per assignment: x [tokens * top_k] on this rank goes to out [rows] of every rank.
//
// Launch: 1-D grid of any size.
template <typename Word>
__global__ void peer_dispatch_scalars(const Word* __restrict__ x, const int* __restrict__ destination_rank,
                                      const int* __restrict__ destination_row,
                                      const __grid_constant__ Addresses out, const Watch* const watch,
                                      const int64 assignments) {
    if (is_lost(watch)) return;
    const int64 stride = (int64)gridDim.x * blockDim.x;
    for (int64 i = (int64)blockIdx.x * blockDim.x + threadIdx.x; i < assignments; i += stride) {
        const int rank = destination_rank[i];
        if (rank >= 0 && out.of[rank] != nullptr) ((Word*)out.of[rank])[destination_row[i]] = x[i];
    }
}

// Row t of y becomes the sum of the rows that the destinations of token t name.
//
//   x  [rows, row_packs * kCount]    of every rank; read
//   y  [tokens, row_packs * kCount]  on this rank; written
//
// Launch: 1-D grid of any size, blocks of whole warps; a warp takes a token.
template <typename Real, int kCount>
__global__ void __launch_bounds__(256)
    peer_combine(const __grid_constant__ Addresses x, const int* __restrict__ destination_rank,
                 const int* __restrict__ destination_row, Real* __restrict__ y, const Watch* const watch,
                 const int64 tokens, const int top_k, const int64 row_packs) {
    using Sum = typename Numbers<Real>::Sum;
    constexpr int kAtOnce = 8;
    if (is_lost(watch)) return;
    const int lane = threadIdx.x % kWarpLanes;
    const int warps = blockDim.x / kWarpLanes;
    const int64 stride = (int64)gridDim.x * warps;
    for (int64 token = (int64)blockIdx.x * warps + threadIdx.x / kWarpLanes; token < tokens;
         token += stride) {
        uint64 source = 0;
        int loaded = -1;
        for (int64 start = 0; start < row_packs; start += kWarpLanes) {
            const int64 pack = start + lane;
            const bool inside = pack < row_packs;
            Sum sums[kCount];
#pragma unroll
            for (int k = 0; k < kCount; ++k) sums[k] = Sum();
            for (int first = 0; first < top_k; first += kWarpLanes) {
                if (loaded != first) {
                    loaded = first;
                    source = 0;
                    if (first + lane < top_k) {
                        const int64 assignment = token * top_k + first + lane;
                        const int rank = destination_rank[assignment];
                        if (rank >= 0) {
                            source = (uint64)((const Real*)x.of[rank] +
                                              destination_row[assignment] * row_packs * kCount);
                        }
                    }
                }
                uint32 left = __ballot_sync(kAllLanes, source != 0);
                while (left != 0) {
                    Pack<Real, kCount> rows[kAtOnce];
                    const int taken = min(__popc(left), kAtOnce);
#pragma unroll
                    for (int i = 0; i < kAtOnce; ++i) {
                        if (i >= taken) continue;
                        const Real* const from = (const Real*)__shfl_sync(kAllLanes, source, __ffs(left) - 1);
                        left &= left - 1;
                        if (inside) rows[i].load(from + pack * kCount);
                    }
#pragma unroll
                    for (int i = 0; i < kAtOnce; ++i) {
                        if (i >= taken || !inside) continue;
#pragma unroll
                        for (int k = 0; k < kCount; ++k) sums[k] += Numbers<Real>::widen(rows[i].values[k]);
                    }
                }
            }
            if (inside) {
                Pack<Real, kCount> result;
#pragma unroll
                for (int k = 0; k < kCount; ++k) result.values[k] = Numbers<Real>::narrow(sums[k]);
                result.store(y + (token * row_packs + pack) * kCount);
            }
        }
    }
}

// One number per assignment: y [tokens * top_k] on this rank becomes what dispatch_scalars addressed in x.
//
// Launch: 1-D grid of any size.
template <typename Real>
__global__ void peer_combine_scalars(const __grid_constant__ Addresses x,
                                     const int* __restrict__ destination_rank,
                                     const int* __restrict__ destination_row, Real* __restrict__ y,
                                     const Watch* const watch, const int64 assignments) {
    using Sum = typename Numbers<Real>::Sum;
    if (is_lost(watch)) return;
    const int64 stride = (int64)gridDim.x * blockDim.x;
    for (int64 i = (int64)blockIdx.x * blockDim.x + threadIdx.x; i < assignments; i += stride) {
        Sum sum = Sum();
        const int rank = destination_rank[i];
        if (rank >= 0) sum += Numbers<Real>::widen(((const Real*)x.of[rank])[destination_row[i]]);
        y[i] = Numbers<Real>::narrow(sum);
    }
}
