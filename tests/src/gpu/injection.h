// injection.h: what libraries share that the CUDA driver loads into a process (CUDA_INJECTION64_PATH) and that
// watch its calls through the callbacks of CUPTI. Needs no CUDA header, and CUPTI only when it runs.
#pragma once

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>

enum { kDriverApi = 1, kEnter = 0, kExit = 1 };

// As CUpti_CallbackData of CUDA 12 and 13 begins.
struct CallbackData {
    int site;
    const char* function_name;
    const void* parameters;  // of the call, in order, as a struct
    const void* result;      // at kExit
};

typedef void (*Callback)(void* user, int domain, uint32_t id, const struct CallbackData* data);

static void* find_cupti(void) {
    const char* const sonames[] = {"libcupti.so.13", "libcupti.so.12", "libcupti.so"};
    for (size_t i = 0; i < sizeof sonames / sizeof *sonames; ++i) {
        void* library = dlopen(sonames[i], RTLD_NOW | RTLD_GLOBAL);
        if (library != NULL) return library;
    }
    return NULL;
}

// Has `callback` called before and after each driver call; returns 1 if it will be. `name` is the library's, for
// messages.
static int watch_driver_calls(const char* name, Callback callback) {
    void* cupti = find_cupti();
    if (cupti == NULL) {
        fprintf(stderr, "%s: %s; name its folder in LD_LIBRARY_PATH\n", name, dlerror());
        return 0;
    }
    int (*subscribe)(void**, Callback, void*);
    int (*enable)(uint32_t, void*, int);
    *(void**)&subscribe = dlsym(cupti, "cuptiSubscribe");
    *(void**)&enable = dlsym(cupti, "cuptiEnableDomain");
    void* subscriber = NULL;
    int status = subscribe == NULL || enable == NULL ? -1 : subscribe(&subscriber, callback, NULL);
    if (status == 0) status = enable(1, subscriber, kDriverApi);
    if (status != 0) {
        fprintf(stderr, "%s: CUPTI refuses callbacks, status %d\n", name, status);
        return 0;
    }
    return 1;
}
