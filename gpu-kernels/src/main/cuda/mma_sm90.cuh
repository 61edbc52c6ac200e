// mma_sm90.cuh: Hopper's bulk tensor copies, their barriers, and products of warpgroups (sm_90a only).
#pragma once

#include "mma_sm80.cuh"

// A CUtensorMap, encoded by the host.
struct alignas(64) TensorMap {
    uint64 opaque[16];
};

// ---- barriers in shared memory

__device__ __forceinline__ void barrier_init(const uint32 barrier, const uint32 arrivals) {
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(arrivals) : "memory");
}

// Makes initialised barriers visible to the copy engine.
__device__ __forceinline__ void fence_barrier_init() {
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}

// Arrives, and adds `bytes` that copies must bring before the phase ends.
__device__ __forceinline__ void barrier_expect(const uint32 barrier, const uint32 bytes) {
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(bytes)
                 : "memory");
}

__device__ __forceinline__ void barrier_arrive(const uint32 barrier) {
    asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(barrier) : "memory");
}

__device__ __forceinline__ bool barrier_passed(const uint32 barrier, const uint32 parity) {
    uint32 passed;
    asm volatile(
        "{\n"
        ".reg .pred passed;\n"
        "mbarrier.try_wait.parity.shared::cta.b64 passed, [%1], %2;\n"
        "selp.u32 %0, 1, 0, passed;\n"
        "}\n"
        : "=r"(passed)
        : "r"(barrier), "r"(parity)
        : "memory");
    return passed != 0;
}

// Waits for the end of the phase of the given parity.
__device__ __forceinline__ void barrier_wait(const uint32 barrier, const uint32 parity) {
#ifdef ANTIPHON_SPIN_LIMIT  // harness builds only: a hang becomes an error
    for (long long spins = 0; !barrier_passed(barrier, parity); ++spins) {
        if (spins > ANTIPHON_SPIN_LIMIT) asm volatile("trap;");
    }
#else
    while (!barrier_passed(barrier, parity)) {
    }
#endif
}

// Barrier `id` (1 to 15) of `threads` threads of the block, whole warps.
__device__ __forceinline__ void named_barrier(const int id, const int threads) {
    asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(threads) : "memory");
}

// Orders this thread's earlier accesses to shared memory before later ones of tensor cores and copy engine.
__device__ __forceinline__ void fence_shared_for_async() {
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

// ---- bulk copies of tiles between a tensor map and shared memory; x counts columns, y rows

__device__ __forceinline__ void prefetch_map(const TensorMap& map) {
    asm volatile("prefetch.tensormap [%0];" ::"l"(&map) : "memory");
}

__device__ __forceinline__ void copy_tile_in(const uint32 to, const TensorMap& map, const int x, const int y,
                                             const uint32 barrier) {
    asm volatile(
        "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3}], "
        "[%4];" ::"r"(to),
        "l"(&map), "r"(x), "r"(y), "r"(barrier)
        : "memory");
}

// How long what a copy touches should stay in L2.
constexpr uint64 kLeaveFirst = 0x12f0000000000000;
constexpr uint64 kLeaveLast = 0x14f0000000000000;

__device__ __forceinline__ void copy_tile_in(const uint32 to, const TensorMap& map, const int x, const int y,
                                             const uint32 barrier, const uint64 stay) {
    asm volatile(
        "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes.L2::cache_hint "
        "[%0], [%1, {%2, %3}], [%4], %5;" ::"r"(to),
        "l"(&map), "r"(x), "r"(y), "r"(barrier), "l"(stay)
        : "memory");
}

__device__ __forceinline__ void copy_tile_out(const TensorMap& map, const int x, const int y,
                                              const uint32 from) {
    asm volatile("cp.async.bulk.tensor.2d.global.shared::cta.bulk_group [%0, {%1, %2}], [%3];" ::"l"(&map),
                 "r"(x), "r"(y), "r"(from)
                 : "memory");
}

__device__ __forceinline__ void copy_tile_out(const TensorMap& map, const int x, const int y,
                                              const uint32 from, const uint64 stay) {
    asm volatile(
        "cp.async.bulk.tensor.2d.global.shared::cta.bulk_group.L2::cache_hint [%0, {%1, %2}], [%3], %4;" ::
            "l"(&map),
        "r"(x), "r"(y), "r"(from), "l"(stay)
        : "memory");
}

// Adds the tile to what the tensor holds, element by element. Where that is not in L2, an H100 reads it
// twice.
__device__ __forceinline__ void add_tile_out(const TensorMap& map, const int x, const int y,
                                             const uint32 from, const uint64 stay) {
    asm volatile(
        "cp.reduce.async.bulk.tensor.2d.global.shared::cta.add.bulk_group.L2::cache_hint "
        "[%0, {%1, %2}], [%3], %4;" ::"l"(&map),
        "r"(x), "r"(y), "r"(from), "l"(stay)
        : "memory");
}

__device__ __forceinline__ void commit_tiles_out() {
    asm volatile("cp.async.bulk.commit_group;" ::: "memory");
}

// Brings a tile into L2.
__device__ __forceinline__ void prefetch_tile(const TensorMap& map, const int x, const int y) {
    asm volatile("cp.async.bulk.prefetch.tensor.2d.L2.global.tile [%0, {%1, %2}];" ::"l"(&map), "r"(x), "r"(y)
                 : "memory");
}

// Waits until at most kPending of this thread's committed groups still read shared memory.
template <int kPending>
__device__ __forceinline__ void wait_tiles_read() {
    asm volatile("cp.async.bulk.wait_group.read %0;" ::"n"(kPending) : "memory");
}

// Waits until all groups of this thread are complete.
__device__ __forceinline__ void wait_tiles_out() { asm volatile("cp.async.bulk.wait_group 0;" ::: "memory"); }

// ---- products of a warpgroup

template <int kRegisters>
__device__ __forceinline__ void shrink_registers() {
    asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(kRegisters));
}

template <int kRegisters>
__device__ __forceinline__ void grow_registers() {
    asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(kRegisters));
}

__device__ __forceinline__ void products_fence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }

__device__ __forceinline__ void products_commit() {
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}

template <int kPending>
__device__ __forceinline__ void products_wait() {
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kPending) : "memory");
}

// Describes an operand in shared memory, in 128-byte rows swizzled by the copy engine, eight rows to a block
// of 1,024 bytes. Depth inner: rows are matrix rows, `next_block` is the distance of row blocks. Depth outer:
// a row is one depth of 64 matrix rows, `next_block` is the distance of blocks of eight depths and
// `next_columns` that of the next 64 matrix rows. Distances in bytes.
__device__ __forceinline__ uint64 operand(const uint32 address, const uint32 next_block,
                                          const uint32 next_columns) {
    constexpr uint64 kSwizzle128 = 1ull << 62;
    return kSwizzle128 | ((uint64)(next_block >> 4) << 32) | ((uint64)(next_columns >> 4) << 16) |
           (uint64)((address & 0x3ffff) >> 4);
}

// Keeps the compiler from moving uses of the sums across the asynchronous products.
template <int kSums>
__device__ __forceinline__ void pin(float (&sums)[kSums]) {
#pragma unroll
    for (int i = 0; i < kSums; ++i) asm volatile("" : "+f"(sums[i])::"memory");
}

// sums [64, 2 * kSums] = left [64, 16] right [16, 2 * kSums] (+ sums if `add`), bf16 with fp32 sums; thread t
// of the warpgroup holds in sums[4 * g + 2 * h + i] row 16 * (t / 32) + t % 32 / 4 + 8 * h and column 8 * g +
// t % 4 * 2 + i. Asynchronous.
template <bool kLeftDepthOuter, bool kRightDepthOuter, int kSums>
__device__ __forceinline__ void multiply(float (&sums)[kSums], const uint64 left, const uint64 right,
                                         const int add) {
    static_assert(kSums == 64 || kSums == 128, "128 or 256 columns");
    if constexpr (kSums == 128) {
        asm volatile(
            "{\n"
            ".reg .pred add;\n"
            "setp.ne.b32 add, %130, 0;\n"
            "wgmma.mma_async.sync.aligned.m64n256k16.f32.bf16.bf16 {"
            "%0, %1, %2, %3, %4, %5, %6, %7, "
            "%8, %9, %10, %11, %12, %13, %14, %15, "
            "%16, %17, %18, %19, %20, %21, %22, %23, "
            "%24, %25, %26, %27, %28, %29, %30, %31, "
            "%32, %33, %34, %35, %36, %37, %38, %39, "
            "%40, %41, %42, %43, %44, %45, %46, %47, "
            "%48, %49, %50, %51, %52, %53, %54, %55, "
            "%56, %57, %58, %59, %60, %61, %62, %63, "
            "%64, %65, %66, %67, %68, %69, %70, %71, "
            "%72, %73, %74, %75, %76, %77, %78, %79, "
            "%80, %81, %82, %83, %84, %85, %86, %87, "
            "%88, %89, %90, %91, %92, %93, %94, %95, "
            "%96, %97, %98, %99, %100, %101, %102, %103, "
            "%104, %105, %106, %107, %108, %109, %110, %111, "
            "%112, %113, %114, %115, %116, %117, %118, %119, "
            "%120, %121, %122, %123, %124, %125, %126, %127}, "
            "%128, %129, add, 1, 1, %131, %132;\n"
            "}\n"
            : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3]), "+f"(sums[4]), "+f"(sums[5]),
              "+f"(sums[6]), "+f"(sums[7]), "+f"(sums[8]), "+f"(sums[9]), "+f"(sums[10]), "+f"(sums[11]),
              "+f"(sums[12]), "+f"(sums[13]), "+f"(sums[14]), "+f"(sums[15]), "+f"(sums[16]), "+f"(sums[17]),
              "+f"(sums[18]), "+f"(sums[19]), "+f"(sums[20]), "+f"(sums[21]), "+f"(sums[22]), "+f"(sums[23]),
              "+f"(sums[24]), "+f"(sums[25]), "+f"(sums[26]), "+f"(sums[27]), "+f"(sums[28]), "+f"(sums[29]),
              "+f"(sums[30]), "+f"(sums[31]), "+f"(sums[32]), "+f"(sums[33]), "+f"(sums[34]), "+f"(sums[35]),
              "+f"(sums[36]), "+f"(sums[37]), "+f"(sums[38]), "+f"(sums[39]), "+f"(sums[40]), "+f"(sums[41]),
              "+f"(sums[42]), "+f"(sums[43]), "+f"(sums[44]), "+f"(sums[45]), "+f"(sums[46]), "+f"(sums[47]),
              "+f"(sums[48]), "+f"(sums[49]), "+f"(sums[50]), "+f"(sums[51]), "+f"(sums[52]), "+f"(sums[53]),
              "+f"(sums[54]), "+f"(sums[55]), "+f"(sums[56]), "+f"(sums[57]), "+f"(sums[58]), "+f"(sums[59]),
              "+f"(sums[60]), "+f"(sums[61]), "+f"(sums[62]), "+f"(sums[63]), "+f"(sums[64]), "+f"(sums[65]),
              "+f"(sums[66]), "+f"(sums[67]), "+f"(sums[68]), "+f"(sums[69]), "+f"(sums[70]), "+f"(sums[71]),
              "+f"(sums[72]), "+f"(sums[73]), "+f"(sums[74]), "+f"(sums[75]), "+f"(sums[76]), "+f"(sums[77]),
              "+f"(sums[78]), "+f"(sums[79]), "+f"(sums[80]), "+f"(sums[81]), "+f"(sums[82]), "+f"(sums[83]),
              "+f"(sums[84]), "+f"(sums[85]), "+f"(sums[86]), "+f"(sums[87]), "+f"(sums[88]), "+f"(sums[89]),
              "+f"(sums[90]), "+f"(sums[91]), "+f"(sums[92]), "+f"(sums[93]), "+f"(sums[94]), "+f"(sums[95]),
              "+f"(sums[96]), "+f"(sums[97]), "+f"(sums[98]), "+f"(sums[99]), "+f"(sums[100]),
              "+f"(sums[101]), "+f"(sums[102]), "+f"(sums[103]), "+f"(sums[104]), "+f"(sums[105]),
              "+f"(sums[106]), "+f"(sums[107]), "+f"(sums[108]), "+f"(sums[109]), "+f"(sums[110]),
              "+f"(sums[111]), "+f"(sums[112]), "+f"(sums[113]), "+f"(sums[114]), "+f"(sums[115]),
              "+f"(sums[116]), "+f"(sums[117]), "+f"(sums[118]), "+f"(sums[119]), "+f"(sums[120]),
              "+f"(sums[121]), "+f"(sums[122]), "+f"(sums[123]), "+f"(sums[124]), "+f"(sums[125]),
              "+f"(sums[126]), "+f"(sums[127])
            : "l"(left), "l"(right), "r"(add), "n"(kLeftDepthOuter ? 1 : 0), "n"(kRightDepthOuter ? 1 : 0));
    } else {
        asm volatile(
            "{\n"
            ".reg .pred add;\n"
            "setp.ne.b32 add, %66, 0;\n"
            "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {"
            "%0, %1, %2, %3, %4, %5, %6, %7, "
            "%8, %9, %10, %11, %12, %13, %14, %15, "
            "%16, %17, %18, %19, %20, %21, %22, %23, "
            "%24, %25, %26, %27, %28, %29, %30, %31, "
            "%32, %33, %34, %35, %36, %37, %38, %39, "
            "%40, %41, %42, %43, %44, %45, %46, %47, "
            "%48, %49, %50, %51, %52, %53, %54, %55, "
            "%56, %57, %58, %59, %60, %61, %62, %63}, "
            "%64, %65, add, 1, 1, %67, %68;\n"
            "}\n"
            : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3]), "+f"(sums[4]), "+f"(sums[5]),
              "+f"(sums[6]), "+f"(sums[7]), "+f"(sums[8]), "+f"(sums[9]), "+f"(sums[10]), "+f"(sums[11]),
              "+f"(sums[12]), "+f"(sums[13]), "+f"(sums[14]), "+f"(sums[15]), "+f"(sums[16]), "+f"(sums[17]),
              "+f"(sums[18]), "+f"(sums[19]), "+f"(sums[20]), "+f"(sums[21]), "+f"(sums[22]), "+f"(sums[23]),
              "+f"(sums[24]), "+f"(sums[25]), "+f"(sums[26]), "+f"(sums[27]), "+f"(sums[28]), "+f"(sums[29]),
              "+f"(sums[30]), "+f"(sums[31]), "+f"(sums[32]), "+f"(sums[33]), "+f"(sums[34]), "+f"(sums[35]),
              "+f"(sums[36]), "+f"(sums[37]), "+f"(sums[38]), "+f"(sums[39]), "+f"(sums[40]), "+f"(sums[41]),
              "+f"(sums[42]), "+f"(sums[43]), "+f"(sums[44]), "+f"(sums[45]), "+f"(sums[46]), "+f"(sums[47]),
              "+f"(sums[48]), "+f"(sums[49]), "+f"(sums[50]), "+f"(sums[51]), "+f"(sums[52]), "+f"(sums[53]),
              "+f"(sums[54]), "+f"(sums[55]), "+f"(sums[56]), "+f"(sums[57]), "+f"(sums[58]), "+f"(sums[59]),
              "+f"(sums[60]), "+f"(sums[61]), "+f"(sums[62]), "+f"(sums[63])
            : "l"(left), "l"(right), "r"(add), "n"(kLeftDepthOuter ? 1 : 0), "n"(kRightDepthOuter ? 1 : 0));
    }
}
