package io.antiphon.conf;

import java.util.Map;
import java.util.TreeMap;

/** The Spark configuration of a run: what a barrier stage of ranks needs, then the user's keys. */
public final class SparkDefaults {
  /**
   * Class path resource with the logging of a run, for {@code -Dlog4j2.configurationFile}. It reads
   * the system properties {@code antiphon.log.level}, {@code antiphon.log.file} and {@code
   * antiphon.log.appender} ({@code stderr} or {@code file}).
   */
  public static final String LOG4J2_RESOURCE = "io/antiphon/conf/log4j2.properties";

  /** Environment variable with the number of hardware queues of a GPU that a process uses. */
  public static final String QUEUES_VARIABLE = "CUDA_DEVICE_MAX_CONNECTIONS";

  /** The most there are, and what ranks that share a GPU need. */
  public static final String QUEUES = "32";

  /** Spark's key for the GPUs of an executor. */
  public static final String GPU_PER_EXECUTOR = "spark.executor.resource.gpu.amount";

  private SparkDefaults() {}

  /** The configuration for the master that the settings name. */
  public static Map<String, String> of(Settings settings) {
    return of(settings, settings.spark().masterFor(settings.parallelism().ranks()));
  }

  /**
   * The configuration for a master chosen elsewhere, by spark-submit for instance.
   *
   * @return Spark's keys in alphabetical order, mutable; {@code spark.properties} has the last word
   */
  public static Map<String, String> of(Settings settings, String master) {
    Map<String, String> properties = new TreeMap<>();
    properties.put("spark.app.name", settings.name());
    properties.put("spark.master", master);
    properties.put("spark.executor.memory", settings.spark().executorMemory());
    // A cluster's own defaults may switch it on; barrier stages and it exclude each other.
    properties.put("spark.dynamicAllocation.enabled", "false");
    // A stage that waits for executors is checked every second, not every 15.
    properties.put("spark.scheduler.barrier.maxConcurrentTasksCheck.interval", "1s");
    // Executors of a busy cluster may take minutes to come: Spark's ten, which are 40 times 15 s.
    properties.put("spark.scheduler.barrier.maxConcurrentTasksCheck.maxFailures", "600");
    // A rank stuck in a native call does not notice its cancellation and would block the restart.
    properties.put("spark.task.reaper.enabled", "true");
    properties.put("spark.task.reaper.pollingInterval", "5s");
    properties.put("spark.task.reaper.killTimeout", "60s");
    if (isLocal(master)) {
      properties.put("spark.ui.enabled", "false");
    }
    if (settings.backend().kind() == Backend.Kind.CUDA && !isLocal(master)) {
      properties.put(GPU_PER_EXECUTOR, "1");
      if (master.startsWith("k8s:")) {
        properties.put("spark.executor.resource.gpu.vendor", "nvidia.com");
      }
    }
    if (settings.backend().kind() == Backend.Kind.CUDA
        || settings.backend().kind() == Backend.Kind.AUTO) {
      // Ranks that share a GPU wait for each other there: each needs hardware queues of its own.
      properties.put("spark.executorEnv." + QUEUES_VARIABLE, QUEUES);
      // Numbers of devices are those of nvidia-smi then, which the discovery script prints.
      properties.put("spark.executorEnv.CUDA_DEVICE_ORDER", "PCI_BUS_ID");
    }
    properties.putAll(settings.spark().properties());
    return properties;
  }

  /**
   * GPUs that a rank asks of Spark where Spark gives them out: 1, or the share of those that share
   * one.
   */
  public static double gpuShare(Settings settings) {
    return 1.0 / Math.max(1, settings.backend().ranksPerGpu());
  }

  /** Whether the ranks of this master are threads of the driver's JVM. */
  public static boolean isLocal(String master) {
    return master.equals("local") || master.startsWith("local[");
  }
}
