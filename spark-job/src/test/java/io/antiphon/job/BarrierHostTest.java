package io.antiphon.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.antiphon.comm.EnvironmentException;
import io.antiphon.conf.ConfigException;
import io.antiphon.conf.Settings;
import io.antiphon.conf.SettingsReader;
import io.antiphon.data.SparkForTests;
import io.antiphon.job.barrier.RankCall;
import io.antiphon.monitor.Terminal;
import io.antiphon.run.HostProvider;
import io.antiphon.run.RankFailure;
import io.antiphon.run.RunHost;
import io.antiphon.run.TrainingRun;
import io.antiphon.run.UserErrors;
import io.antiphon.train.report.RunSummary;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Runs in a session that somebody else opened, of two task slots. */
@Timeout(120)
class BarrierHostTest {
  @TempDir Path directory = Path.of("");

  private Settings settings(int ranks, String... more) throws IOException {
    StringBuilder words = new StringBuilder();
    for (int i = 0; i < 4000; i++) {
      words.append((i * 7919) % 1013).append(i % 10 == 9 ? '\n' : ' ');
    }
    Path text = Files.writeString(directory.resolve("text.txt"), words);
    List<String> all =
        new ArrayList<>(
            List.of(
                "parallelism.ranks=" + ranks,
                "parallelism.expert-parallel=" + ranks,
                "data.text=" + text,
                "model.layers=1",
                "model.sequence-length=32",
                "moe.experts=6",
                "moe.top-k=2",
                "schedule.steps=2",
                "schedule.warmup-steps=1",
                "schedule.global-batch=12",
                "schedule.micro-batch=2",
                "schedule.evaluate-every=0",
                "checkpoint.enabled=false",
                "monitor.report=false"));
    all.addAll(List.of(more));
    return SettingsReader.preset("quickstart", all);
  }

  private RunSummary.Outcome train(Settings settings, HostProvider hosts)
      throws InterruptedException {
    PrintStream nowhere =
        new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8);
    Terminal terminal = Terminal.of(nowhere, false, Map.of());
    return new TrainingRun(settings, directory.resolve("run"), terminal, hosts).run();
  }

  @Test
  void aSessionOfTheCallerIsNeitherStoppedNorChanged() throws Exception {
    SparkSession theirs = SparkForTests.session();
    Dataset<Row> numbers = theirs.range(1000).toDF().cache();
    numbers.count();
    scala.collection.immutable.Map<String, String> conf = theirs.conf().getAll();

    for (HostProvider hosts : List.of(SparkHosts.in(theirs), new SparkHosts())) {
      assertThat(train(settings(2, "spark.properties.\"spark.sql.ansi.enabled\"=false"), hosts))
          .isEqualTo(RunSummary.Outcome.COMPLETED);
      Files.delete(directory.resolve("run/summary.json"));

      assertThat(theirs.sparkContext().isStopped()).isFalse();
      assertThat(theirs.conf().getAll()).isEqualTo(conf);
      assertThat(numbers.storageLevel().useMemory()).isTrue();
      assertThat(numbers.filter("id % 2 = 0").count()).isEqualTo(500);
    }
    numbers.unpersist();
  }

  @Test
  void aSessionWithTooFewSlotsIsRefusedBeforeTheDataIsRead() throws Exception {
    Settings three = settings(3, "data.text=nowhere");
    assertThatThrownBy(() -> train(three, SparkHosts.in(SparkForTests.session())))
        .isInstanceOf(EnvironmentException.class)
        .hasMessageContaining("needs 3 task slots at once, and there are at most 2");
  }

  @Test
  void aClusterOfItsOwnIsNoneInASessionThatIsThere() throws Exception {
    Settings cluster = settings(2, "spark.cluster=2");
    assertThatThrownBy(() -> train(cluster, SparkHosts.in(SparkForTests.session())))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("spark.cluster")
        .hasMessageContaining("remove --cluster");
  }

  /** Spark counts here as on a cluster that says nothing of its cores beforehand. */
  @Test
  void slotsThatOnlyTheClusterKnowsAreCountedByIt() throws Exception {
    SparkSession spark = SparkForTests.session();
    RankCall.awaitSlots(spark, settings(2), () -> {});

    assertThatThrownBy(() -> RankCall.awaitSlots(spark, settings(3), () -> {}))
        .isInstanceOfSatisfying(
            RankFailure.class,
            failure -> {
              assertThat(failure.mayPass()).isFalse();
              UserErrors.Explained line = UserErrors.explain(failure).orElseThrow();
              assertThat(line.exitCode()).isEqualTo(UserErrors.USAGE);
              assertThat(line.message())
                  .hasLineCount(1)
                  .contains(
                      "did not offer 3 task slots at once, it has 2", "lower parallelism.ranks");
            });
  }

  /** Executors work in directories of their own. */
  @Test
  void executorsAreToldWhereARelativeDirectoryIs() throws Exception {
    try (RunHost host = BarrierHost.on(SparkForTests.session(), settings(2))) {
      assertThat(host.checkpoints("target/some").directory())
          .isEqualTo("file:" + Path.of("target/some").toAbsolutePath());
      for (String whole : List.of("/some/where", "file:/some/where", "file:///some/where")) {
        assertThat(host.checkpoints(whole).directory()).endsWith("/some/where");
      }
    }
  }

  @Test
  void aHostThatIsClosedLeavesTheSessionOpen() throws Exception {
    SparkSession theirs = SparkForTests.session();
    try (RunHost host = BarrierHost.on(theirs, settings(2))) {
      host.awaitPlaces(settings(2));
    }
    assertThat(theirs.sparkContext().isStopped()).isFalse();
  }
}
