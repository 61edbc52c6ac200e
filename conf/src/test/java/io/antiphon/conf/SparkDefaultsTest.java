package io.antiphon.conf;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.StringReader;
import java.util.Map;
import java.util.Properties;
import org.junit.jupiter.api.Test;

class SparkDefaultsTest {
  @Test
  void giveABarrierStageWhatItNeeds() {
    assertThat(SparkDefaults.of(Sample.with()))
        .containsExactly(
            Map.entry("spark.app.name", "run"),
            Map.entry("spark.dynamicAllocation.enabled", "false"),
            Map.entry("spark.executor.memory", "2g"),
            Map.entry("spark.executorEnv.CUDA_DEVICE_MAX_CONNECTIONS", "32"),
            Map.entry("spark.executorEnv.CUDA_DEVICE_ORDER", "PCI_BUS_ID"),
            Map.entry("spark.master", "local[4]"),
            Map.entry("spark.scheduler.barrier.maxConcurrentTasksCheck.interval", "1s"),
            Map.entry("spark.scheduler.barrier.maxConcurrentTasksCheck.maxFailures", "600"),
            Map.entry("spark.task.reaper.enabled", "true"),
            Map.entry("spark.task.reaper.killTimeout", "60s"),
            Map.entry("spark.task.reaper.pollingInterval", "5s"),
            Map.entry("spark.ui.enabled", "false"));
  }

  @Test
  void leaveTheUiOnInACluster() {
    assertThat(SparkDefaults.of(Sample.with(), "spark://host:7077"))
        .containsEntry("spark.master", "spark://host:7077")
        .doesNotContainKey("spark.ui.enabled");
  }

  @Test
  void askAClusterForGpusIfTheyAreNeeded() {
    Settings cuda = Sample.with("backend.kind=cuda", "backend.ranks-per-gpu=4");

    assertThat(SparkDefaults.of(cuda, "spark://host:7077"))
        .containsEntry("spark.executor.resource.gpu.amount", "1")
        .doesNotContainKey("spark.executor.resource.gpu.vendor");
    assertThat(SparkDefaults.of(cuda, "k8s://https://host"))
        .containsEntry("spark.executor.resource.gpu.vendor", "nvidia.com");
    assertThat(SparkDefaults.gpuShare(cuda)).isEqualTo(0.25);
    assertThat(SparkDefaults.gpuShare(Sample.with())).isEqualTo(1);
    // A local master with such a key would wait for ever.
    assertThat(SparkDefaults.of(cuda)).doesNotContainKey("spark.executor.resource.gpu.amount");
    assertThat(SparkDefaults.of(Sample.with("backend.kind=cpu"), "spark://host:7077").keySet())
        .noneMatch(key -> key.contains("gpu") || key.contains("CUDA"));
  }

  @Test
  void theUsersPropertiesHaveTheLastWord() {
    assertThat(
            SparkDefaults.of(
                Sample.with(
                    "spark.properties.spark.ui.enabled=true",
                    "spark.properties.spark.task.reaper.killTimeout=5m")))
        .containsEntry("spark.ui.enabled", "true")
        .containsEntry("spark.task.reaper.killTimeout", "5m");
  }

  @Test
  void tellLocalMastersFromTheLocalCluster() {
    assertThat(SparkDefaults.isLocal("local")).isTrue();
    assertThat(SparkDefaults.isLocal("local[*]")).isTrue();
    assertThat(SparkDefaults.isLocal("local-cluster[2,1,1024]")).isFalse();
    assertThat(SparkDefaults.isLocal("yarn")).isFalse();
  }

  @Test
  void theLoggingResourceQuietensSparkAndNamesRankAndStep() throws IOException {
    Properties logging = new Properties();
    logging.load(new StringReader(Presets.resource(SparkDefaults.LOG4J2_RESOURCE).orElseThrow()));

    assertThat(logging)
        .containsEntry("rootLogger.level", "warn")
        .containsEntry("logger.antiphon.name", "io.antiphon")
        .containsEntry("property.level", "${sys:antiphon.log.level:-info}")
        .containsEntry("appender.stderr.target", "SYSTEM_ERR")
        .containsEntry("appender.file.createOnDemand", "true");
    assertThat(logging.getProperty("property.pattern")).contains("%X{rank}", "%X{step}");
  }
}
