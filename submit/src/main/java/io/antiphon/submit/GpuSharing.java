package io.antiphon.submit;

import io.antiphon.conf.Settings;

/**
 * How the ranks of a run share GPUs.
 *
 * @param devices GPUs of this machine that they use; 0 if they are elsewhere
 * @param onDevice most ranks on one GPU
 * @param inProcess most ranks of one process on one GPU
 */
record GpuSharing(int devices, int onDevice, int inProcess) {
  /**
   * Places ranks as the trainer does, or Spark with {@code spark.cluster}.
   *
   * @param visible GPUs of this machine; at least 1 is assumed
   */
  static GpuSharing of(Settings settings, int visible) {
    int ranks = settings.parallelism().ranks();
    int each = settings.backend().ranksPerGpu();
    int executors = settings.spark().cluster();
    if (GpuDemand.isRemote(settings)) {
      int sharing = Math.min(ranks, Math.max(1, each));
      return new GpuSharing(0, sharing, sharing);
    }
    if (executors > 0) {
      int perExecutor = ranks / executors;
      int devices = Math.min(executors, Math.max(1, visible));
      return new GpuSharing(devices, perExecutor * ceil(executors, devices), perExecutor);
    }
    int sharing = each == 0 ? ranks : Math.min(each, ranks);
    return new GpuSharing(ceil(ranks, sharing), sharing, sharing);
  }

  private static int ceil(int of, int by) {
    return (of + by - 1) / by;
  }
}
