package io.antiphon.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.antiphon.comm.EnvironmentException;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What can never train is refused before any work, in one line with the remedy. */
class SparkRequirementsTest {
  private static final int RANKS = 4;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "local                  |                           | 1 | --master local[4]",
        "local[2]               |                           | 2 | --master local[4]",
        "local[3, 2]            |                           | 3 | --master local[4]",
        "local[4]               | task.cpus=2               | 2 | --master local[8]",
        "local-cluster[1,2,512] |                           | 2 | more executors or cores",
        "spark://h:7077         | cores.max=3               | 3 | --total-executor-cores 4",
        "spark://h:7077         | cores.max=5 executor.cores=3 | 3 | --total-executor-cores 4",
        "spark://h:7077         | cores.max=6 executor.cores=3 task.cpus=2 | 2 |"
            + " --total-executor-cores 8",
        "yarn                   |                           | 2 | --num-executors",
        "yarn                   | executor.instances=3      | 3 | --num-executors",
        "yarn                   | executor.cores=3 task.cpus=2 | 2 | --executor-cores",
        "k8s://https://h        | executor.cores=1          | 2 | --num-executors"
      })
  void tooFewSlotsAreRefused(String master, String more, int slots, String remedy) {
    assertThatThrownBy(() -> SparkRequirements.require(properties(master, more), RANKS))
        .isInstanceOf(EnvironmentException.class)
        .hasMessageContaining("parallelism.ranks=4 needs 4 task slots at once")
        .hasMessageContaining("there are at most " + slots + " with ")
        .hasMessageContaining(remedy)
        .hasMessageContaining("lower parallelism.ranks")
        .message()
        .hasLineCount(1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "local[4]               |",
        "local[*]               | task.cpus=none",
        "local-cluster[2,2,512] |",
        "spark://h:7077         |",
        "spark://h:7077         | cores.max=4 executor.cores=2",
        "yarn                   | executor.instances=2 executor.cores=2",
        "k8s://https://h        | executor.instances=4",
        "mesos://h              |"
      })
  void enoughSlotsAndUnknownOnesPass(String master, String more) {
    assertThatCode(() -> SparkRequirements.require(properties(master, more), RANKS))
        .doesNotThrowAnyException();
  }

  @Test
  void dynamicAllocationIsRefusedWhereSparkHeedsIt() {
    assertThatThrownBy(
            () ->
                SparkRequirements.require(
                    properties("yarn", "dynamicAllocation.enabled=TRUE"), RANKS))
        .isInstanceOf(EnvironmentException.class)
        .hasMessageContaining("--conf spark.dynamicAllocation.enabled=false")
        .message()
        .hasLineCount(1);
    assertThatCode(
            () ->
                SparkRequirements.require(
                    properties("local[4]", "dynamicAllocation.enabled=true"), RANKS))
        .doesNotThrowAnyException();
  }

  @Test
  void aSessionWithoutOurPluginIsRefused() {
    String plugin = "io.antiphon.job.barrier.AntiphonPlugin";
    assertThatThrownBy(() -> SparkRequirements.requirePlugin(Map.of("spark.plugins", "a.B")))
        .isInstanceOf(EnvironmentException.class)
        .hasMessageContaining("--conf spark.plugins=" + plugin)
        .message()
        .hasLineCount(1);
    assertThatCode(() -> SparkRequirements.requirePlugin(Map.of("spark.plugins", "a.B, " + plugin)))
        .doesNotThrowAnyException();
  }

  @ParameterizedTest
  @ValueSource(strings = {"4.1.1", "4.0.1", "3.5.7", "4.20.0", "5.0.0-SNAPSHOT"})
  void anotherSparkIsRefusedByItsVersion(String version) {
    assertThatThrownBy(() -> SparkVersion.require(version))
        .isInstanceOf(EnvironmentException.class)
        .hasMessageContaining("needs Spark 4.2, and this is Spark " + version)
        .message()
        .hasLineCount(1);
  }

  @Test
  void theSparkOfTheBuildIsTheOneNeeded() {
    assertThatCode(SparkVersion::require).doesNotThrowAnyException();
  }

  @Test
  void whatASessionThatWasThereLeavesOutIsNamed() {
    assertThat(
            SparkSessions.leftOut(
                Map.of(
                    "spark.app.name", "mine",
                    "spark.task.reaper.enabled", "true",
                    "spark.task.cpus", "1",
                    "spark.sql.shuffle.partitions", "7"),
                Map.of("spark.app.name", "theirs", "spark.task.cpus", "1")))
        .containsExactlyInAnyOrder("spark.task.reaper.enabled", "spark.sql.shuffle.partitions");
  }

  /** The properties, with {@code spark.} left out of their names. */
  private static Map<String, String> properties(String master, String more) {
    Map<String, String> properties = new TreeMap<>(Map.of("spark.master", master));
    for (String pair : more == null ? new String[0] : more.split(" ", -1)) {
      String[] parts = pair.split("=", -1);
      properties.put("spark." + parts[0], parts[1]);
    }
    return properties;
  }
}
