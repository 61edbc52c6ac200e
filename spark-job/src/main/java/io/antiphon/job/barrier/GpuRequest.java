package io.antiphon.job.barrier;

import io.antiphon.conf.Backend;
import io.antiphon.conf.Settings;
import io.antiphon.conf.SparkDefaults;
import java.util.Optional;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.resource.ResourceProfile;
import org.apache.spark.resource.ResourceProfileBuilder;
import org.apache.spark.resource.TaskResourceRequests;

/**
 * What the tasks of ranks ask of executors that have GPUs. Only ranks ask: tasks that prepare data
 * run on all cores of the same executors.
 */
final class GpuRequest {
  private static final String PER_TASK = "spark.task.resource.gpu.amount";

  private GpuRequest() {}

  /** Empty where tasks need nothing, or where the application itself says what they need. */
  static Optional<ResourceProfile> of(SparkContext spark, Settings settings) {
    SparkConf conf = spark.conf();
    Backend.Kind kind = settings.backend().kind();
    boolean wanted = kind == Backend.Kind.CUDA || kind == Backend.Kind.AUTO;
    if (!wanted
        || spark.isLocal()
        || conf.contains(PER_TASK)
        || conf.getInt(SparkDefaults.GPU_PER_EXECUTOR, 0) == 0) {
      return Optional.empty();
    }
    TaskResourceRequests requests =
        new TaskResourceRequests()
            .cpus(conf.getInt("spark.task.cpus", 1))
            .resource(GpuAddress.RESOURCE, share(settings));
    return Optional.of(new ResourceProfileBuilder().require(requests).build());
  }

  /** GPUs of a rank: all ranks of an executor share its GPU on a cluster of this machine. */
  private static double share(Settings settings) {
    int executors = settings.spark().cluster();
    return executors > 0 && settings.backend().ranksPerGpu() == 0
        ? (double) executors / settings.parallelism().ranks()
        : SparkDefaults.gpuShare(settings);
  }
}
