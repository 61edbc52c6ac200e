// device_fault.c: makes a GPU fail under a process that trains on it: before a rank's AT-th graph launch it launches a
// kernel that faults, or one that does not end. Loaded by the driver itself: CUDA_INJECTION64_PATH names this library.
//
//   ANTIPHON_DEVICE_FAULT       address (writes to address 0), trap, or endless
//   ANTIPHON_DEVICE_FAULT_AT    graph launch of a thread, so its step, that the kernel precedes
//   ANTIPHON_DEVICE_FAULT_ONCE  file that is made when it happens; while it exists, it does not happen again
//
// gcc -O2 -shared -fPIC device_fault.c -o ... -ldl
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "injection.h"

#define ENTRY(name, body) ".visible .entry " name "()\n{\n" body "}\n"

static const char kKernels[] =
    ".version 7.0\n.target sm_80\n.address_size 64\n"
    ENTRY("address", ".reg .b64 %to;\n.reg .b32 %one;\nmov.b64 %to, 0;\nmov.b32 %one, 1;\n"
                     "st.volatile.global.b32 [%to], %one;\nret;\n")
    ENTRY("trap", "trap;\nret;\n")
    ENTRY("endless", ".reg .b64 %now;\n.reg .pred %always;\nagain:\nmov.u64 %now, %globaltimer;\n"
                     "setp.ne.u64 %always, %now, 0;\n@%always bra again;\nret;\n");

// The parameters of cuGraphLaunch.
struct GraphLaunch {
    void* graph;
    void* stream;
};

static const char* kind;
static long at;
static const char* once;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void* context;  // in which the kernel was loaded
static void* kernel;
static _Thread_local long launches;
static _Thread_local int inside;  // a call of our own

static void* driver_function(const char* name) {
    static void* driver;
    if (driver == NULL) driver = dlopen("libcuda.so.1", RTLD_NOW);
    void* function = driver == NULL ? NULL : dlsym(driver, name);
    if (function == NULL) {
        fprintf(stderr, "device_fault: the driver has no %s\n", name);
        abort();
    }
    return function;
}

static void require(int status, const char* call) {
    if (status != 0) {
        fprintf(stderr, "device_fault: %s failed, error %d\n", call, status);
        abort();
    }
}

static void* current_context(void) {
    int (*get)(void**);
    *(void**)&get = driver_function("cuCtxGetCurrent");
    void* current = NULL;
    require(get(&current), "cuCtxGetCurrent");
    return current;
}

// Early, as loading a module waits for kernels that run.
static void load(void) {
    pthread_mutex_lock(&lock);
    if (kernel == NULL) {
        int (*load_module)(void**, const void*);
        int (*get_function)(void**, void*, const char*);
        int (*load_function)(void*);
        *(void**)&load_module = driver_function("cuModuleLoadData");
        *(void**)&get_function = driver_function("cuModuleGetFunction");
        *(void**)&load_function = driver_function("cuFuncLoad");
        void* module = NULL;
        context = current_context();
        require(load_module(&module, kKernels), "cuModuleLoadData");
        require(get_function(&kernel, module, kind), "cuModuleGetFunction");
        require(load_function(kernel), "cuFuncLoad");
    }
    pthread_mutex_unlock(&lock);
}

static void launch(void* stream) {
    if (kernel == NULL || current_context() != context) return;
    int file = open(once, O_WRONLY | O_CREAT | O_EXCL, 0644);
    if (file < 0) return;
    dprintf(file, "process %ld, launch %ld: %s\n", (long)getpid(), launches, kind);
    close(file);
    int (*launch_kernel)(void*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void*, void**,
                         void**);
    *(void**)&launch_kernel = driver_function("cuLaunchKernel");
    require(launch_kernel(kernel, 1, 1, 1, 1, 1, 1, 0, stream, NULL, NULL), "cuLaunchKernel");
    fprintf(stderr, "device_fault: launched the kernel %s before graph launch %ld of a thread\n", kind, launches);
}

static int is_call(const struct CallbackData* data, const char* name) {
    return strncmp(data->function_name, name, strlen(name)) == 0;
}

static void watch(void* user, int domain, uint32_t id, const struct CallbackData* data) {
    (void)user;
    (void)id;
    if (domain != kDriverApi || inside) return;
    inside = 1;
    if (data->site == kExit && is_call(data, "cuModuleLoadData")) load();
    if (data->site == kEnter && is_call(data, "cuGraphLaunch") && ++launches == at) {
        launch(((const struct GraphLaunch*)data->parameters)->stream);
    }
    inside = 0;
}

// The driver calls this when it starts. 1 is success.
int InitializeInjection(void) {
    kind = getenv("ANTIPHON_DEVICE_FAULT");
    once = getenv("ANTIPHON_DEVICE_FAULT_ONCE");
    const char* launch_number = getenv("ANTIPHON_DEVICE_FAULT_AT");
    if (kind == NULL || once == NULL || launch_number == NULL) {
        fprintf(stderr, "device_fault: ANTIPHON_DEVICE_FAULT, _AT and _ONCE must be set\n");
        return 0;
    }
    at = atol(launch_number);
    return watch_driver_calls("device_fault", watch);
}
