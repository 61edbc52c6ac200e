// embedding.cu: rows of the embedding table by token id, and their gradient.
//
// The gradient adds tokens in ascending order to each row of the table. Tiles of tokens are sorted by (id,
// token) in shared memory; the tokens of one id in one tile are then a run of neighbours, and the runs of an
// id are linked from tile to tile. The first run of an id is its head; the owner of a head walks the chain.
// Work is O(tokens * (log tile + tiles)), whatever the vocabulary.
//
// An id outside the table has no row: the forward writes NaN, which reaches the loss and so the decision on
// the update; the backward passes over it.
#include "pack.cuh"
#include "reduce.cuh"

constexpr int kEmbedThreads = 256;
constexpr int kSortThreads = 1024;
constexpr int kTile = 4096;
constexpr uint64 kNoToken = ~0ull;

//   ids    [tokens]              i32   read
//   table  [vocabulary, hidden]  Real  read
//   out    [tokens, hidden]      Real  written
//
// Launch: grid of any size, blocks of kEmbedThreads; a warp per token, striding. Bound: memory.
// Deterministic: copies.
template <typename Real>
__global__ void __launch_bounds__(kEmbedThreads)
    embed(const int* __restrict__ ids, const Real* __restrict__ table, const int64 tokens,
          const int64 vocabulary, const int64 hidden, Real* __restrict__ out) {
    const int lane = threadIdx.x % kWarpSize;
    constexpr int kWarps = kEmbedThreads / kWarpSize;
    const bool packed = packable(table, out) && hidden % kPack<Real> == 0;
    const int64 stride = (int64)gridDim.x * kWarps;
    for (int64 token = (int64)blockIdx.x * kWarps + threadIdx.x / kWarpSize; token < tokens;
         token += stride) {
        const int id = ids[token];
        Real* __restrict__ to = out + token * hidden;
        if (id < 0 || id >= vocabulary) {
            const Real nan = from_float<Real>(not_a_number());
            for (int64 i = lane; i < hidden; i += kWarpSize) to[i] = nan;
            continue;
        }
        const Real* __restrict__ from = table + (int64)id * hidden;
        if (packed) {
#pragma unroll 4
            for (int64 i = lane; i < hidden / kPack<Real>; i += kWarpSize) {
                store_word(to + i * kPack<Real>, load_word(from + i * kPack<Real>));
            }
        } else {
#pragma unroll 4
            for (int64 i = lane; i < hidden; i += kWarpSize) to[i] = from[i];
        }
    }
}

//   ids     [tokens]        i32  read
//   sorted  [tiles, kTile]  u64  written: id in the upper half, token in the lower, ascending in a tile;
//                                kNoToken after the last token
//
// Launch: one block of kSortThreads per tile. Bound: latency (a bitonic sort of 78 steps).
__global__ void __launch_bounds__(kSortThreads, 1)
    sort_tokens(const int* __restrict__ ids, const int64 tokens, uint64* __restrict__ sorted) {
    __shared__ uint64 keys[kTile];
    const int64 first = (int64)blockIdx.x * kTile;
    for (int i = threadIdx.x; i < kTile; i += kSortThreads) {
        const int64 token = first + i;
        keys[i] = token < tokens ? ((uint64)(uint32)ids[token] << 32) | (uint64)token : kNoToken;
    }
    __syncthreads();
    for (int size = 2; size <= kTile; size *= 2) {
        for (int stride = size / 2; stride > 0; stride /= 2) {
            for (int pair = threadIdx.x; pair < kTile / 2; pair += kSortThreads) {
                const int low = 2 * pair - (pair & (stride - 1));
                const uint64 left = keys[low];
                const uint64 right = keys[low + stride];
                if (left > right == ((low & size) == 0)) {
                    keys[low] = right;
                    keys[low + stride] = left;
                }
            }
            __syncthreads();
        }
    }
    for (int i = threadIdx.x; i < kTile; i += kSortThreads) sorted[first + i] = keys[i];
}

// Place of the first key of the ascending tile that is not below `key`; kTile if there is none.
__device__ __forceinline__ int lower_bound(const uint64* __restrict__ tile, const uint64 key) {
    int low = 0;
    int high = kTile;
    while (low < high) {
        const int middle = (low + high) / 2;
        if (tile[middle] < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

// A run of tokens of one id inside a tile, at the place of its first token.
struct alignas(16) Run {
    int tokens;  // 0 at a place where no run starts
    int next;    // place of the id's run in a later tile, -1 if this is the last
    int head;    // 1 if no earlier tile has the id
    int id;
};

//   sorted  [tiles, kTile]  u64  read
//   runs    [tiles, kTile]  Run  written
//
// Launch: blocks of any size, one thread per place. Bound: latency (binary searches).
__global__ void link_runs(const uint64* __restrict__ sorted, const int tiles, const int64 vocabulary,
                          Run* __restrict__ runs) {
    const int place = (int)(blockIdx.x * blockDim.x + threadIdx.x);
    if (place >= tiles * kTile) return;
    const uint64 key = sorted[place];
    const uint32 id = (uint32)(key >> 32);
    const int own = place / kTile;
    const bool starts = place % kTile == 0 || (uint32)(sorted[place - 1] >> 32) != id;
    Run run = {0, -1, 0, (int)id};
    if (key != kNoToken && starts && id < vocabulary) {
        const uint64 from = (uint64)id << 32;
        const uint64 above = from + (1ull << 32);
        run.tokens = own * kTile + lower_bound(sorted + (int64)own * kTile, above) - place;
        run.head = 1;
        for (int tile = own - 1; tile >= 0 && run.head == 1; --tile) {
            const uint64* __restrict__ keys = sorted + (int64)tile * kTile;
            const int found = lower_bound(keys, from);
            if (found < kTile && keys[found] < above) run.head = 0;
        }
        for (int tile = own + 1; tile < tiles && run.next < 0; ++tile) {
            const uint64* __restrict__ keys = sorted + (int64)tile * kTile;
            const int found = lower_bound(keys, from);
            if (found < kTile && keys[found] < above) run.next = tile * kTile + found;
        }
    }
    runs[place] = run;
}

constexpr int kAddThreads = 64;
constexpr int kAddColumns = 4;     // per thread
constexpr int kAddPlaces = 8;      // per block
constexpr int kTokensAtOnce = 16;  // rows in flight: the adds are in order, the loads need not be
constexpr int kFewTokens = 4;

// Four columns of one row: neighbours if kPacked, else kAddThreads apart.
template <bool kPacked, typename Element>
__device__ __forceinline__ void load_columns(const Element* __restrict__ row, const int64 column,
                                             const int64 columns, float (&values)[kAddColumns]) {
    if constexpr (kPacked) {
        load_four(row + column, values);
    } else {
#pragma unroll
        for (int i = 0; i < kAddColumns; ++i) {
            const int64 at = column + i * kAddThreads;
            values[i] = at < columns ? to_float(row[at]) : 0;
        }
    }
}

// Adds kTokens rows to the sums, in order. No branch parts the loads, so that all are in flight together.
template <int kTokens, bool kPacked, typename Real>
__device__ __forceinline__ void add_rows(const uint64* __restrict__ tokens, const Real* __restrict__ d_out,
                                         const int64 hidden, const int64 column, float (&sums)[kAddColumns]) {
    const Real* __restrict__ rows[kTokens];
#pragma unroll
    for (int i = 0; i < kTokens; ++i) rows[i] = d_out + (int64)(uint32)tokens[i] * hidden;
    float terms[kTokens][kAddColumns];
#pragma unroll
    for (int i = 0; i < kTokens; ++i) load_columns<kPacked>(rows[i], column, hidden, terms[i]);
#pragma unroll
    for (int i = 0; i < kTokens; ++i) {
#pragma unroll
        for (int j = 0; j < kAddColumns; ++j) sums[j] += terms[i][j];
    }
}

template <bool kPacked, typename Real>
__device__ __forceinline__ void add_chain(const uint64* __restrict__ sorted, const Run* __restrict__ runs,
                                          const int head, const Real* __restrict__ d_out, const int64 hidden,
                                          const int64 column, float* __restrict__ d_table) {
    Run run = runs[head];
    float* __restrict__ into = d_table + (int64)run.id * hidden;
    float sums[kAddColumns];
    load_columns<kPacked>(into, column, hidden, sums);
    for (int place = head; place >= 0; place = run.next) {
        run = runs[place];
        const uint64* __restrict__ tokens = sorted + place;
        int token = 0;
        for (; token + kTokensAtOnce <= run.tokens; token += kTokensAtOnce) {
            add_rows<kTokensAtOnce, kPacked>(tokens + token, d_out, hidden, column, sums);
        }
        for (; token + kFewTokens <= run.tokens; token += kFewTokens) {
            add_rows<kFewTokens, kPacked>(tokens + token, d_out, hidden, column, sums);
        }
        for (; token < run.tokens; ++token) {
            add_rows<1, kPacked>(tokens + token, d_out, hidden, column, sums);
        }
    }
    if constexpr (kPacked) {
        store_four(into + column, sums);
    } else {
#pragma unroll
        for (int i = 0; i < kAddColumns; ++i) {
            const int64 at = column + i * kAddThreads;
            if (at < hidden) into[at] = sums[i];
        }
    }
}

//   sorted   [places]              u64   read; places = tiles * kTile
//   runs     [places]              Run   read
//   d_out    [tokens, hidden]      Real  read
//   d_table  [vocabulary, hidden]  f32   added to, tokens ascending
//
// Launch: grid (places / kAddPlaces, hidden / (kAddThreads * kAddColumns) rounded up), blocks of kAddThreads.
// Bound: memory; latency if one id has most tokens. Deterministic: one thread per element, tokens ascending.
template <typename Real>
__global__ void __launch_bounds__(kAddThreads, 8)  // else the compiler saves registers and waits for each row
    add_token_rows(const uint64* __restrict__ sorted, const Run* __restrict__ runs,
                   const Real* __restrict__ d_out, const int64 hidden, float* __restrict__ d_table) {
    const bool packed = packable(d_out, d_table) && hidden % kAddColumns == 0;
    const int64 first_column = (int64)blockIdx.y * kAddThreads * kAddColumns;
    const int64 column = first_column + (packed ? threadIdx.x * kAddColumns : threadIdx.x);
    if (column >= hidden) return;
    for (int i = 0; i < kAddPlaces; ++i) {
        const int place = (int)blockIdx.x * kAddPlaces + i;
        if (runs[place].tokens == 0 || runs[place].head == 0) continue;
        if (packed) {
            add_chain<true>(sorted, runs, place, d_out, hidden, column, d_table);
        } else {
            add_chain<false>(sorted, runs, place, d_out, hidden, column, d_table);
        }
    }
}
