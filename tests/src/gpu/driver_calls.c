// driver_calls.c: counts the calls a process makes into the CUDA driver, whoever makes them, through the
// callbacks of CUPTI. Loaded by the driver itself: CUDA_INJECTION64_PATH names this library.
//
//   ANTIPHON_DRIVER_CALLS        file the counts are written to, when a thread reaches LAST and at exit
//   ANTIPHON_DRIVER_CALLS_FIRST  a thread's calls count from its own FIRST-th graph launch, that included,
//   ANTIPHON_DRIVER_CALLS_LAST   to its LAST-th, that not included; without them, everything counts
//
// A rank launches one graph a step from one thread, so this is LAST - FIRST steps of every rank. A thread
// that never launches a graph is not a rank: its calls after the first launch of any thread to reach FIRST,
// and before the last launch to reach LAST, are written as made by others.
//
// gcc -O2 -shared -fPIC driver_calls.c -o ... -ldl
#define _GNU_SOURCE
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "injection.h"

enum { kMostFunctions = 4096 };

static _Atomic(const char*) names[kMostFunctions];
static atomic_ulong all_calls[kMostFunctions];     // of the whole process
static atomic_ulong window_calls[kMostFunctions];  // of ranks between FIRST and LAST
static atomic_ulong other_calls[kMostFunctions];   // of other threads meanwhile
static atomic_long threads_inside;
static atomic_long threads_done;
static long first_launch = -1;
static long last_launch = -1;
static _Thread_local long launches;

static void write_counts(void) {
    const char* path = getenv("ANTIPHON_DRIVER_CALLS");
    if (path == NULL) return;
    char fresh[4096];
    snprintf(fresh, sizeof fresh, "%s.new", path);
    FILE* file = fopen(fresh, "w");
    if (file == NULL) {
        fprintf(stderr, "driver_calls: cannot write %s\n", fresh);
        return;
    }
    fprintf(file, "# steps %ld\n# ranks %ld\n# function in-steps by-other-threads all\n", last_launch - first_launch,
            atomic_load(&threads_done));
    for (int id = 0; id < kMostFunctions; ++id) {
        if (atomic_load(&all_calls[id]) == 0) continue;
        fprintf(file, "%s %lu %lu %lu\n", atomic_load(&names[id]), atomic_load(&window_calls[id]),
                atomic_load(&other_calls[id]), atomic_load(&all_calls[id]));
    }
    fclose(file);
    rename(fresh, path);
}

static void count(void* user, int domain, uint32_t id, const struct CallbackData* data) {
    (void)user;
    if (domain != kDriverApi || data->site != kEnter || id >= kMostFunctions) return;
    atomic_store(&names[id], data->function_name);
    atomic_fetch_add(&all_calls[id], 1);
    if (first_launch < 0) return;
    if (strncmp(data->function_name, "cuGraphLaunch", strlen("cuGraphLaunch")) == 0) {
        ++launches;
        if (launches == first_launch) atomic_fetch_add(&threads_inside, 1);
        if (launches == last_launch) {
            atomic_fetch_sub(&threads_inside, 1);
            atomic_fetch_add(&threads_done, 1);
            write_counts();
        }
    }
    if (launches >= first_launch && launches < last_launch) {
        atomic_fetch_add(&window_calls[id], 1);
    } else if (launches == 0 && atomic_load(&threads_inside) > 0) {
        atomic_fetch_add(&other_calls[id], 1);
    }
}

// The driver calls this when it starts. 1 is success.
int InitializeInjection(void) {
    const char* first = getenv("ANTIPHON_DRIVER_CALLS_FIRST");
    const char* last = getenv("ANTIPHON_DRIVER_CALLS_LAST");
    if (first != NULL && last != NULL) {
        first_launch = atol(first);
        last_launch = atol(last);
    }
    if (!watch_driver_calls("driver_calls", count)) return 0;
    atexit(write_counts);
    return 1;
}
