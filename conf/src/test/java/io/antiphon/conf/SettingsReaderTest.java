package io.antiphon.conf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SettingsReaderTest {
  private final Path directory;

  SettingsReaderTest(@TempDir Path directory) {
    this.directory = directory;
  }

  @Test
  void fillsTheGapsWithDefaults() {
    Settings settings = Sample.with();

    assertThat(settings.name()).isEqualTo("run");
    assertThat(settings.seed()).isEqualTo(1234);
    assertThat(settings.model())
        .isEqualTo(new Model(4, 64, 8, 2, 8, 256, 0, 32, 1e-5, 10000, false, 0.02, false, true));
    assertThat(settings.moe())
        .isEqualTo(
            new Moe(
                12,
                2,
                96,
                0,
                Moe.ScoreOrder.SOFTMAX_THEN_TOP_K,
                0.01,
                0,
                0,
                1.25,
                0,
                new Echo(true, 1, Echo.Planner.BALANCED, 0.01, 0, 1, 0, false)));
    assertThat(settings.data())
        .isEqualTo(
            new Data(
                Optional.of("corpus/*.txt"),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                "text",
                Optional.empty(),
                "bytes",
                Optional.empty(),
                false,
                0.05,
                Optional.empty(),
                256,
                4));
    assertThat(settings.optimizer()).isEqualTo(new Optimizer(1e-3, 1e-4, 0.9, 0.95, 1e-8, 0.1, 1));
    assertThat(settings.schedule()).isEqualTo(new Schedule(100, 10, 48, 2, 0, 20));
    assertThat(settings.parallelism()).isEqualTo(new Parallelism(4, 4));
    assertThat(settings.backend())
        .isEqualTo(
            new Backend(
                Backend.Kind.AUTO,
                Backend.Precision.BF16,
                0,
                Backend.Interconnect.AUTO,
                Optional.empty(),
                1));
    assertThat(settings.checkpoint())
        .isEqualTo(new Checkpoint(true, 50, 3, Optional.empty(), true));
    assertThat(settings.monitor())
        .isEqualTo(new Monitor(10, true, Monitor.Progress.AUTO, Optional.empty()));
    assertThat(settings.spark())
        .isEqualTo(new Spark(Optional.empty(), 0, 3, "2g", Duration.ofMinutes(2), Map.of()));
  }

  @Test
  void readsEveryKindOfValue() {
    Settings settings =
        SettingsReader.source(
            "a.conf",
            Sample.FILE
                + """
                seed = "7"
                moe.score-order = top-k-then-softmax
                moe.z-loss = 1e-3
                model.tied-head = yes
                backend.kind = cpu-f64
                checkpoint.dir = /data/c
                spark.comm-timeout = 2 minutes
                spark.properties {
                  spark.sql.shuffle.partitions = 64
                  "spark.speculation" = true
                  "spark.speculation.interval" = 200ms
                }
                """,
            List.of());

    assertThat(settings.seed()).isEqualTo(7);
    assertThat(settings.moe().scoreOrder()).isEqualTo(Moe.ScoreOrder.TOP_K_THEN_SOFTMAX);
    assertThat(settings.moe().zLoss()).isEqualTo(1e-3);
    assertThat(settings.model().tiedHead()).isTrue();
    assertThat(settings.backend().kind()).isEqualTo(Backend.Kind.CPU_F64);
    assertThat(settings.checkpoint().dir()).contains("/data/c");
    assertThat(settings.spark().commTimeout()).isEqualTo(Duration.ofMinutes(2));
    assertThat(settings.spark().properties())
        .containsExactly(
            Map.entry("spark.speculation", "true"),
            Map.entry("spark.speculation.interval", "200ms"),
            Map.entry("spark.sql.shuffle.partitions", "64"));
  }

  @Test
  void takesNullForAnAbsentKey() {
    Settings settings =
        SettingsReader.source(
            "a.conf",
            Sample.FILE
                + "seed = null\ncheckpoint.dir = null\nspark.properties = null\nmonitor = null\n",
            List.of());

    assertThat(settings).isEqualTo(Sample.with());
  }

  @Test
  void derivesFromWhatTheFileSaysNotFromDefaults() {
    Settings settings = Sample.with("model.head-dim=10", "optimizer.min-learning-rate=0");

    assertThat(settings.model().headDim()).isEqualTo(10);
    assertThat(settings.optimizer().minLearningRate()).isZero();
  }

  @Test
  void reportsEveryProblemAtOnceInTheOrderOfLines() {
    List<Problem> problems =
        Sample.problemsOf(
            """
            model {
              layers = 0
              hidden = wide
              attention_heads = 8
              key-value-heads = 3
              sequence-length = 32
            }
            moe {
              experts = 12
              top-k = 13
            }
            data.text = corpus
            schedule { steps = 5, warmup-steps = 6, global-batch = 48, micro-batch = 2 }
            parallelism.ranks = 4
            optimizer { learning-rate = -1 }
            """,
            "monitor.progress=line");

    assertThat(problems)
        .extracting(problem -> problem.file() + ":" + problem.line() + " " + problem.key())
        .containsExactly(
            "a.conf:2 model.layers",
            "a.conf:3 model.hidden",
            "a.conf:4 model.attention_heads",
            "a.conf:8 moe.expert-ffn",
            "a.conf:10 moe.top-k",
            "a.conf:13 schedule.warmup-steps",
            "a.conf:15 optimizer.learning-rate",
            "--set monitor.progress=line:0 monitor.progress");
  }

  @Test
  void saysWhatWouldFit() {
    assertThat(Sample.problemWith("model.layers=0").remedy()).isEqualTo("set model.layers = 1");
    assertThat(Sample.problemWith("model.head-dim=7").remedy()).isEqualTo("set model.head-dim = 8");
    assertThat(Sample.problemWith("moe.token-capacity=0.5").remedy())
        .isEqualTo("set moe.token-capacity = 1");
    assertThat(Sample.problemWith("optimizer.beta1=1").remedy())
        .isEqualTo("set optimizer.beta1 = 0.9");
    assertThat(Sample.problemWith("backend.kind=cpu64").remedy())
        .isEqualTo("set backend.kind = cpu-f64");
    assertThat(Sample.problemWith("backend.kind=tpu-pod").remedy())
        .isEqualTo("set backend.kind = auto");
    assertThat(Sample.problemWith("parallelism.expert-parallel=0").remedy())
        .isEqualTo("set parallelism.expert-parallel = 1");
    assertThat(Sample.problemWith("spark.comm-timeout=120").remedy())
        .isEqualTo("set spark.comm-timeout = 120s");
    assertThat(Sample.problemWith("data.text= ").remedy())
        .isEqualTo("write text of that form, or leave data.text out");
    assertThat(Sample.problemWith("optimizer.min-learning-rate=low").remedy())
        .isEqualTo("leave optimizer.min-learning-rate out; its default is learning-rate / 10");
  }

  @Test
  void saysWhatTheLimitIs() {
    assertThat(Sample.problemWith("seed=1.5").limit())
        .isEqualTo("must be a whole number, at least 0");
    assertThat(Sample.problemWith("data.validation-fraction=1").limit())
        .isEqualTo("must be a number, at least 0 and at most 0.5");
    assertThat(Sample.problemWith("moe.echo.planner=greedy").limit())
        .isEqualTo("must be one of balanced, bin-packing, one-shot");
    assertThat(Sample.problemWith("model.head-dim=0").limit())
        .isEqualTo("must be a whole number, at least 2 and a multiple of 2");
    assertThat(Sample.problemWith("spark.comm-timeout=5ms").limit())
        .isEqualTo("must be a time with its unit, such as 90s or 2m, at least 1s");
  }

  @Test
  void refusesNumbersThatDoNotFitTheirType() {
    for (String text :
        List.of("3000000000", "1e999999999", "1e-999999999", "1.5", "NaN", "", "0x10", "{}")) {
      assertThat(Sample.problemWith("model.layers=" + text).key()).isEqualTo("model.layers");
    }
    for (String text : List.of("1e400", "NaN", "Infinity", "1d", "much")) {
      assertThat(Sample.problemWith("model.rope-theta=" + text).key())
          .isEqualTo("model.rope-theta");
    }
    assertThat(Sample.with("model.layers=1e1").model().layers()).isEqualTo(10);
  }

  @Test
  void refusesOtherKindsOfText() {
    assertThat(Sample.problemWith("monitor.report=maybe").limit())
        .isEqualTo("must be true or false");
    assertThat(Sample.problemWith("spark.comm-timeout=5 parsecs").value()).isEqualTo("5 parsecs");
    assertThat(Sample.problemWith("name=my run").limit()).contains("letters, digits");
    assertThat(Sample.problemWith("data.tokenizer=gpt2").limit())
        .isEqualTo("must be bytes, or a path that ends with .json");
    assertThat(Sample.with("monitor.report=off").monitor().report()).isFalse();
  }

  @Test
  void refusesGroupsForValuesAndValuesForGroups() {
    Problem group = Sample.problemOfFileAnd("seed { a = 1, b = [1, 2] }\n");
    assertThat(group)
        .isEqualTo(
            new Problem(
                "a.conf",
                22,
                "seed",
                "{\"a\":1,\"b\":[1,2]}",
                "must be a whole number, at least 0",
                "set seed = 1234"));

    Problem value = Sample.problemOfFileAnd("monitor = loud\n");
    assertThat(value.limit()).isEqualTo("must be a group of keys");
    assertThat(value.remedy()).isEqualTo("write monitor { ... } with its keys inside");

    Problem list = Sample.problemOfFileAnd("name = [" + "long, ".repeat(40) + "]\n");
    assertThat(list.value()).hasSize(60).endsWith("...");
  }

  @Test
  void refusesPropertiesThatAreNotText() {
    assertThat(Sample.problemOfFileAnd("spark.properties = fast\n").limit())
        .isEqualTo("must be a group of Spark's keys with one value each");
    Problem list = Sample.problemOfFileAnd("spark.properties.spark.jars = [a, b]\n");
    assertThat(list.key()).isEqualTo("spark.properties.spark.jars");
    assertThat(list.limit()).isEqualTo("must be one value");
    assertThat(list.remedy()).isEqualTo("write the list as text: \"a,b\"");
  }

  @Test
  void reportsAMissingKeyAtItsGroupAndAMissingGroupAtTheFile() {
    Problem inGroup = Sample.only(Sample.problemsOf(Sample.FILE.replace("  top-k = 2\n", "")));
    assertThat(inGroup)
        .isEqualTo(
            new Problem(
                "a.conf",
                8,
                "moe.top-k",
                "(missing)",
                "required: a whole number, at least 1",
                "set moe.top-k = 8, for example"));

    Problem noGroup =
        Sample.only(Sample.problemsOf(Sample.FILE.replace("parallelism.ranks = 4\n", "")));
    assertThat(noGroup.line()).isEqualTo(1);
    assertThat(noGroup.key()).isEqualTo("parallelism.ranks");
  }

  @Test
  void reportsAllRequiredKeysOfAnEmptyFile() {
    assertThat(Sample.problemsOf(""))
        .extracting(Problem::key)
        .containsExactly(
            "model.layers",
            "model.hidden",
            "model.attention-heads",
            "model.key-value-heads",
            "model.sequence-length",
            "moe.experts",
            "moe.top-k",
            "moe.expert-ffn",
            "optimizer.learning-rate",
            "schedule.steps",
            "schedule.warmup-steps",
            "schedule.global-batch",
            "schedule.micro-batch",
            "parallelism.ranks",
            "data.text");
  }

  @Test
  void doesNotPointAtAnOverrideForAKeyMissingBesideIt() {
    String noMoe = Sample.FILE.replaceAll("(?s)moe \\{.*?}\n", "");

    assertThat(Sample.problemsOf(noMoe, "moe.experts=12"))
        .extracting(Problem::file)
        .containsOnly("a.conf");
  }

  @Test
  void suggestsTheKeyThatWasMeant() {
    Map.of(
            "model.hiden = 1", "model.hidden",
            "model.numLayers = 1", "model.layers",
            "moe.topk = 1", "moe.top-k",
            "moe.slots-per-rank = 2", "moe.echo.slots-per-rank",
            "echo.enabled = true", "moe.echo",
            "schedule.lr = 1", "optimizer.learning-rate",
            "training.micro_batch = 1", "schedule.micro-batch",
            "ranks = 2", "parallelism.ranks",
            "data.txt = a", "data.text")
        .forEach(
            (line, meant) ->
                assertThat(Sample.problemOfFileAnd(line + "\n").remedy())
                    .as(line)
                    .isEqualTo("did you mean " + meant + "?"));
  }

  @Test
  void doesNotCallAMisspelledKeyMissingToo() {
    Problem key = Sample.only(Sample.problemsOf(Sample.FILE.replace("layers =", "layer =")));
    assertThat(key.key()).isEqualTo("model.layer");

    Problem group = Sample.only(Sample.problemsOf(Sample.FILE.replace("moe {", "mo {")));
    assertThat(group.remedy()).isEqualTo("did you mean moe?");

    Problem source = Sample.only(Sample.problemsOf(Sample.FILE.replace("data.text", "data.txt")));
    assertThat(source.key()).isEqualTo("data.txt");
  }

  @Test
  void admitsThatItDoesNotKnowAKey() {
    Problem problem = Sample.problemOfFileAnd("model.quantum-flux = {}\n");

    assertThat(problem.limit()).isEqualTo("unknown key");
    assertThat(problem.remedy()).isEqualTo("remove it; docs/configuration.md lists the keys");
  }

  @Test
  void readsAFileAndNamesItInProblems() throws IOException {
    Path file = directory.resolve("run.conf");
    Files.writeString(file, Sample.FILE);
    assertThat(SettingsReader.file(file, List.of())).isEqualTo(Sample.with());

    Files.writeString(file, Sample.FILE + "seed = -1\n");
    assertThatThrownBy(() -> SettingsReader.file(file, List.of()))
        .isInstanceOf(ConfigException.class)
        .hasMessage(
            "1 problem in the settings:\n\n"
                + file
                + ":22: seed = -1\n"
                + "    must be a whole number, at least 0\n"
                + "    -> set seed = 0\n");
  }

  @Test
  void saysWhyAFileCannotBeRead() throws IOException {
    assertThat(reasonFor(directory.resolve("none.conf"))).isEqualTo("there is no such file");
    assertThat(reasonFor(directory)).isEqualTo("must be a file, not a directory");

    Path latin = directory.resolve("latin.conf");
    Files.write(latin, new byte[] {'#', (byte) 0xe9, '\n'});
    assertThat(reasonFor(latin)).isEqualTo("must be text in UTF-8");

    Files.writeString(directory.resolve("file"), "");
    assertThat(reasonFor(directory.resolve("file/inside.conf"))).startsWith("cannot be read: ");
  }

  private static String reasonFor(Path file) {
    try {
      SettingsReader.file(file, List.of());
      throw new AssertionError("read " + file);
    } catch (ConfigException e) {
      Problem problem = Sample.only(e.problems());
      assertThat(problem.file()).isEqualTo(file.toString());
      assertThat(problem.remedy()).contains("quickstart");
      return problem.limit();
    }
  }
}
