package io.antiphon.conf;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RulesTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "model.key-value-heads=3 | must divide model.attention-heads (8)"
            + " | set model.key-value-heads = 2",
        "model.dense-layers=5 | must be at most model.layers (4)"
            + " | set model.dense-layers = 4 or less",
        "moe.top-k=13 | must be at most moe.experts (12)"
            + " | set moe.top-k = 12 or less, or moe.experts = 13 or more",
        "parallelism.expert-parallel=3 | must divide parallelism.ranks (4)"
            + " | set parallelism.expert-parallel = 2, or parallelism.ranks = 6",
        "moe.experts=14 | must be a multiple of parallelism.expert-parallel (4)"
            + " | set moe.experts = 16, or parallelism.expert-parallel = 2",
        "optimizer.min-learning-rate=1 | must be at most optimizer.learning-rate (0.001)"
            + " | set optimizer.min-learning-rate = 1.0E-4",
        "schedule.warmup-steps=101 | must be at most schedule.steps (100)"
            + " | set schedule.warmup-steps = 10, a tenth of the steps",
        "schedule.global-batch=44 | must be a multiple of schedule.micro-batch *"
            + " parallelism.ranks (2 * 4 = 8)"
            + " | set schedule.global-batch = 48, or schedule.micro-batch = 1",
        "schedule.global-batch=45 | must be a multiple of schedule.micro-batch *"
            + " parallelism.ranks (2 * 4 = 8) | set schedule.global-batch = 48",
        "spark.executor-memory=511m | must be at least 512m | set spark.executor-memory = 2g",
        "data.end-of-text=</s> | goes with a tokenizer.json only; the bytes tokenizer has its own"
            + " end of text | remove data.end-of-text, or set data.tokenizer to the path of a"
            + " tokenizer.json",
        "spark.properties.park.x=1 | must start with spark."
            + " | write the whole name of Spark's key, such as spark.park.x",
        "spark.properties.spark.app.name=x | has a key of its own | move it: set name = \"x\"",
        "spark.properties.spark.dynamicAllocation.enabled=true | must be false: a barrier stage"
            + " needs all executors at once | remove it, and set the number of executors with"
            + " spark.executor.instances",
        "spark.master=local[3] | must leave a slot for each of parallelism.ranks (4): local[3] has"
            + " 3 | set spark.master = \"local[4]\", or parallelism.ranks = 3",
        "spark.master=local | must leave a slot for each of parallelism.ranks (4): local has 1"
            + " | set spark.master = \"local[4]\", or parallelism.ranks = 1",
        "spark.properties.spark.task.cpus=2 | must leave a slot for each of parallelism.ranks (4):"
            + " local[4] has 2 of 2 threads | set spark.master = \"local[8]\", or"
            + " parallelism.ranks = 2",
        "spark.cluster=3 | must divide parallelism.ranks (4)"
            + " | set spark.cluster = 2, or parallelism.ranks = 6",
        "spark.master=nowhere | must be local, local[N], yarn, spark://HOST:PORT or k8s://URL"
            + " | write text of that form, or leave spark.master out",
      })
  void nameTheKeyTheLimitAndAValueThatFits(String override, String limit, String remedy) {
    Problem problem = Sample.problemWith(override);

    assertThat(problem.file()).isEqualTo("--set " + override);
    assertThat(problem.limit()).isEqualTo(limit);
    assertThat(problem.remedy()).isEqualTo(remedy);
  }

  @Test
  void aClusterIsStartedOrNamedNotBoth() {
    Problem problem = Sample.problemWith("spark.master=yarn", "spark.cluster=2");

    assertThat(problem.file()).isEqualTo("--set spark.cluster=2");
    assertThat(problem.limit()).isEqualTo("must be 0 with spark.master = yarn");
    assertThat(problem.remedy()).contains("--cluster", "--master");
    assertThat(Sample.with("spark.cluster=2").spark().cluster()).isEqualTo(2);
    assertThat(Sample.with("spark.cluster=2", "spark.properties.spark.task.cpus=2")).isNotNull();
  }

  @ParameterizedTest
  @CsvSource({
    "model.key-value-heads=3",
    "parallelism.expert-parallel=3",
    "moe.experts=14",
    "moe.experts=13",
    "moe.top-k=13",
    "moe.echo.slots-per-rank=13",
    "schedule.global-batch=44",
    "schedule.warmup-steps=101",
    "optimizer.min-learning-rate=1",
    "model.hidden=60",
    "model.layers=0",
    "moe.token-capacity=0.9",
    "spark.executor-memory=1k"
  })
  void remediesAreAcceptedByTheReader(String override) {
    Matcher set =
        Pattern.compile("^set (\\S+) = ([^,\\s]+).*")
            .matcher(Sample.problemWith(override).remedy());
    assertThat(set.matches()).isTrue();

    assertThat(Sample.with(override, set.group(1) + "=" + set.group(2))).isNotNull();
  }

  @Test
  void blameTheSourceOfADerivedDefault() {
    Problem odd = Sample.problemWith("model.hidden=60");
    assertThat(odd.limit())
        .isEqualTo(
            "must be a multiple of 2 * model.attention-heads (16) for the default model.head-dim ="
                + " hidden / attention-heads");
    assertThat(odd.remedy()).isEqualTo("set model.hidden = 64, or set model.head-dim yourself");
    assertThat(Sample.with("model.hidden=60", "model.head-dim=8").model().headDim()).isEqualTo(8);

    Problem large = Sample.problemWith("model.hidden=2000000000");
    assertThat(large.limit())
        .isEqualTo("is too large for the default model.dense-ffn = 4 * hidden");
  }

  @Test
  void showTheDefaultTheyObjectTo() {
    Problem problem =
        Sample.only(
            Sample.problemsOf(
                Sample.FILE.replace("steps = 100\n", "steps = 100, evaluate-every = 5\n"),
                "data.validation-fraction=0"));
    assertThat(problem.key()).isEqualTo("schedule.evaluate-every");

    Problem derived = Sample.problemsWith("parallelism.ranks=5", "schedule.global-batch=50").get(0);
    assertThat(derived.key()).isEqualTo("moe.experts");

    Problem byDefault =
        Sample.problemWith(
            "optimizer.learning-rate=1e-8", "moe.experts=0", "optimizer.min-learning-rate=1");
    assertThat(byDefault.value()).isEqualTo("1.0");
  }

  @Test
  void wantExactlyOneSource() {
    Problem none = Sample.problemWith("data.text=null");
    assertThat(none.value()).isEqualTo("(none)");
    assertThat(none.limit())
        .isEqualTo("one of data.text, data.jsonl, data.parquet, data.sql must be set");
    assertThat(none.line()).isEqualTo(1);

    Problem two = Sample.problemWith("data.parquet=p");
    assertThat(two)
        .isEqualTo(
            new Problem(
                "a.conf",
                13,
                "data.text",
                "corpus/*.txt",
                "only one source may be set, here are data.text and data.parquet",
                "remove data.text, or override it with data.text = null"));

    Problem bothOverrides = Sample.problemWith("data.text=a", "data.parquet=p");
    assertThat(bothOverrides.key()).isEqualTo("data.text");
  }

  @Test
  void wantASeparatorThatIsARegularExpressionForText() {
    assertThat(Sample.with("data.document-separator=^## ").data().documentSeparator())
        .contains("^## ");
    assertThat(Sample.problemWith("data.document-separator=(a").limit())
        .startsWith("must be a regular expression: Unclosed group at character");
    assertThat(
            Sample.problemWith("data.document-separator=x", "data.text=null", "data.jsonl=j")
                .limit())
        .startsWith("goes with data.text only");
  }

  @Test
  void countAssignmentsInThirtyOneBits() {
    Problem batch =
        Sample.problemWith(
            "model.sequence-length=1048576",
            "schedule.micro-batch=512",
            "schedule.global-batch=2048",
            "moe.top-k=1");
    assertThat(batch.key()).isEqualTo("schedule.micro-batch");
    assertThat(batch.remedy()).isEqualTo("set schedule.micro-batch = 511 or less");

    Problem sequence =
        Sample.problemWith("model.sequence-length=1048576", "moe.experts=1024", "moe.top-k=1024");
    assertThat(sequence.remedy()).startsWith("set a shorter model.sequence-length");
    assertThat(Sample.with("model.sequence-length=1048576", "moe.experts=0")).isNotNull();
  }

  @Test
  void binPackingTakesOneSlotPerRank() {
    Problem problem =
        Sample.problemWith("moe.echo.planner=bin-packing", "moe.echo.slots-per-rank=2");
    assertThat(problem.limit()).isEqualTo("must be 1 with moe.echo.planner = bin-packing");
    assertThat(problem.remedy())
        .isEqualTo("set moe.echo.slots-per-rank = 1, or moe.echo.planner = balanced");
  }

  @Test
  void onlyTheBalancedPlannerReusesClones() {
    Problem problem = Sample.problemWith("moe.echo.planner=one-shot", "moe.echo.reuse-clones=true");
    assertThat(problem.limit()).isEqualTo("must be balanced with moe.echo.reuse-clones = true");
    assertThat(problem.remedy())
        .isEqualTo("set moe.echo.planner = balanced, or moe.echo.reuse-clones = false");
    assertThat(Sample.with("moe.echo.reuse-clones=true").moe().echo().reuseClones()).isTrue();
  }

  @Test
  void aCloneOnAnotherNodeNeedsNoFewerAssignments() {
    Problem problem =
        Sample.problemWith("moe.echo.min-quota=5", "moe.echo.min-quota-across-nodes=4");
    assertThat(problem.limit()).isEqualTo("must be at least moe.echo.min-quota (5)");
    assertThat(problem.remedy()).isEqualTo("set moe.echo.min-quota-across-nodes = 5 or more");
  }

  @Test
  void letEchoAndRoutingBeWhereThereIsNone() {
    assertThat(Sample.with("moe.experts=0", "moe.echo.slots-per-rank=2").moe().experts()).isZero();
    assertThat(
            Sample.with("moe.echo.enabled=false", "moe.echo.slots-per-rank=2")
                .moe()
                .echo()
                .slotsPerRank())
        .isEqualTo(2);
    assertThat(Sample.with("moe.echo.planner=one-shot", "moe.echo.slots-per-rank=12")).isNotNull();
    assertThat(
            Sample.problemWith("moe.echo.planner=one-shot", "moe.echo.slots-per-rank=13").remedy())
        .isEqualTo("set moe.echo.slots-per-rank = 12 or less");
  }

  @Test
  void refuseResourcesForLocalMastersOnly() {
    String resource = "spark.properties.spark.task.resource.gpu.amount=1";
    assertThat(Sample.problemWith(resource).limit()).startsWith("needs a cluster");
    assertThat(Sample.problemWith(resource, "spark.master=local[*]").limit())
        .startsWith("needs a cluster");
    for (String master :
        List.of("yarn", "spark://host:7077", "k8s://https://host", "local-cluster[4,1,1024]")) {
      assertThat(Sample.with(resource, "spark.master=" + master)).isNotNull();
    }
  }

  @Test
  void countTheSlotsOfALocalCluster() {
    assertThat(Sample.with("spark.master=local-cluster[2,2,1024]")).isNotNull();
    assertThat(Sample.problemWith("spark.master=local-cluster[3,1,1024]").limit())
        .contains("has 3");
    assertThat(Sample.with("spark.master=local[99999999999]")).isNotNull();
    assertThat(Sample.with("spark.master=local[4, 2]")).isNotNull();
    assertThat(Sample.with("spark.properties.spark.task.cpus=many")).isNotNull();
  }

  @Test
  void acceptEveryUnitOfMemory() {
    for (String memory : List.of("524288k", "512m", "1g", "1T", "2GB", "999999999t")) {
      assertThat(Sample.with("spark.executor-memory=" + memory)).isNotNull();
    }
    assertThat(Sample.problemWith("spark.executor-memory=2").limit())
        .contains("a unit k, m, g or t");
  }

  @Test
  void readOnlyKeysThatExist() {
    assertThat(Rule.ALL)
        .allSatisfy(
            rule -> assertThat(Schema.KEYS).containsKeys(rule.keys().toArray(new String[0])));
  }

  @Test
  void classesThatSparkDoesNotRegisterAreNotDemanded() {
    assertThat(Sample.problemWith("spark.properties.spark.kryo.registrationRequired=true").limit())
        .startsWith("must be false");
  }
}
