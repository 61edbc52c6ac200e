package io.antiphon.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.antiphon.comm.EnvironmentException;
import io.antiphon.conf.ConfigException;
import io.antiphon.conf.Redaction;
import io.antiphon.conf.Settings;
import io.antiphon.conf.SettingsReader;
import io.antiphon.tensor.CommException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import org.apache.spark.SparkEnv;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What Spark refuses while it starts is the user's to mend. */
class SparkSessionsTest {
  @BeforeEach
  void noOtherSession() {
    var open = SparkSession.getDefaultSession();
    if (open.isDefined()) {
      open.get().stop();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "spark.network.timeout, 5s, spark.network.timeout=5000ms must be greater than",
    "spark.driver.port, abc, The value 'abc' in the config \"spark.driver.port\" is invalid",
    "spark.ui.port, 99999, 'spark.ui.port is 99999, and must be from 1024 to 65535'",
    "spark.ui.port, 80, spark.ui.port is 80",
    "spark.ui.filters, no.such.Filter, there is no class no.such.Filter",
    "spark.serializer, no.such.Class, there is no class no.such.Class"
  })
  void aPropertyThatSparkRefusesIsNamed(String property, String value, String complaint) {
    Settings settings =
        SettingsReader.preset(
            "quickstart",
            List.of(
                "spark.properties." + property + "=" + value,
                "spark.properties.spark.ui.enabled=true"));

    assertThatThrownBy(() -> SparkSessions.open(settings, Map.of()))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("settings: spark.properties")
        .hasMessageContaining(complaint)
        .hasMessageContaining("-> change the property");
  }

  @Test
  void aHeapTooSmallForSparkIsMendedWhereHeapsAreSet() {
    String spark = "[INVALID_DRIVER_MEMORY] System memory 259522560 must be at least 471859200.";
    assertThat(SparkSessions.refused(new IllegalArgumentException(spark), Map.of()))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("less than 450\n    -> set ANTIPHON_MEMORY=4g")
        .message()
        .doesNotContain("spark.driver.memory");
  }

  @Test
  void whatSparkSaysOfASecretIsShownWithoutIt() {
    Map<String, String> properties = Map.of("spark.ssl.keyStorePassword", "hunter22");
    assertThat(
            SparkSessions.refused(
                new IllegalArgumentException("The value 'hunter22' is invalid"), properties))
        .hasMessageContaining("The value '*********(redacted)' is invalid");
  }

  @Test
  void aSecretThatWasNotWrittenDownIsAskedFor() {
    String name = "spark.hadoop.fs.s3a.secret.key";
    Settings kept =
        SettingsReader.preset(
            "quickstart", List.of("spark.properties." + name + "=" + Redaction.PLACEHOLDER));

    assertThatThrownBy(() -> SparkSessions.open(kept, Map.of()))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("spark.properties.\"" + name + "\"")
        .hasMessageContaining("must be given again");
  }

  @Test
  void aSessionThatWasThereMustCarryWhatRanksReportAndIsLeftAlone() {
    Settings settings = SettingsReader.preset("quickstart", List.of());
    SparkSession theirs =
        SparkSession.builder()
            .master("local[4]")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.host", "127.0.0.1")
            .getOrCreate();
    try {
      assertThat(SparkSessions.there()).contains(theirs);
      assertThatThrownBy(() -> SparkSessions.requireUsable(theirs, settings))
          .isInstanceOf(EnvironmentException.class)
          .hasMessageContaining("started without spark.plugins=");
      assertThat(theirs.sparkContext().isStopped()).isFalse();
    } finally {
      theirs.stop();
    }
  }

  @Test
  void onThisMachineNobodyElseReadsSparksScratchFiles() throws IOException {
    Settings settings = SettingsReader.preset("quickstart", List.of());
    try (SparkSession session = SparkSessions.open(settings, Map.of())) {
      for (String file : SparkEnv.get().blockManager().diskBlockManager().localDirsString()) {
        Path scratch = Path.of(file).getParent();
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(scratch)))
            .as("rights of %s", scratch)
            .isEqualTo("rwx------");
      }
      assertThat(session.sparkContext().isStopped()).isFalse();
    }
  }

  @Test
  void anApplicationThatSparkHasEndedIsNoBugOfOurs() {
    Settings settings = SettingsReader.preset("quickstart", List.of());
    SparkSession session = SparkSessions.open(settings, Map.of());
    session.stop();

    assertThatThrownBy(() -> SparkSessions.requireAlive(session))
        .isInstanceOf(CommException.class)
        .hasMessageContaining("master local[4] does not answer");
  }
}
