package io.antiphon.conf;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class OverridesTest {
  @Test
  void replaceWhatTheFileSaysBeforeDefaultsAreDerived() {
    Settings settings =
        Sample.with("parallelism.ranks=2", "optimizer.learning-rate=0.5", "model.hidden=128");

    assertThat(settings.parallelism()).isEqualTo(new Parallelism(2, 2));
    assertThat(settings.optimizer().minLearningRate()).isEqualTo(0.05);
    assertThat(settings.model().headDim()).isEqualTo(16);
  }

  @Test
  void lastOneForAKeyCounts() {
    assertThat(Sample.with("seed=1", "seed=2").seed()).isEqualTo(2);
  }

  @Test
  void takeTextAsItIs() {
    assertThat(Sample.with("data.text=a b/{x,y}*.txt?k=v").data().text())
        .contains("a b/{x,y}*.txt?k=v");
  }

  @Test
  void nullReturnsAKeyToItsDefault() {
    Settings settings =
        SettingsReader.source(
            "a.conf",
            Sample.FILE + "seed = 9\n",
            List.of("data.text=null", "data.sql=t", "seed=null"));

    assertThat(settings.seed()).isEqualTo(1234);
    assertThat(settings.data().text()).isEmpty();
    assertThat(settings.data().sql()).contains("t");
  }

  @Test
  void setSparkPropertiesWhateverTheFormInTheFile() {
    String file =
        Sample.FILE
            + "spark.properties { spark.a.b = 1, \"spark.c\" = 2, spark.d = 3, \"spark.e\" = 4 }\n";
    List<String> overrides =
        List.of(
            "spark.properties.spark.a.b=5",
            "spark.properties.spark.c=6",
            "spark.properties.spark.d=null",
            "spark.properties.spark.c.f=x=y");

    assertThat(SettingsReader.source("a.conf", file, overrides).spark().properties())
        .hasToString("{spark.a.b=5, spark.c=6, spark.c.f=x=y, spark.e=4}");
  }

  @Test
  void areTheOriginOfTheirProblems() {
    Problem range = Sample.problemWith("moe.echo.slots-per-rank=0");
    assertThat(range.file()).isEqualTo("--set moe.echo.slots-per-rank=0");
    assertThat(range.line()).isZero();

    Problem rule = Sample.problemWith("moe.echo.planner=bin-packing", "moe.echo.slots-per-rank=2");
    assertThat(rule)
        .hasToString(
            """
            --set moe.echo.slots-per-rank=2
                must be 1 with moe.echo.planner = bin-packing
                -> set moe.echo.slots-per-rank = 1, or moe.echo.planner = balanced\
            """);
  }

  @Test
  void mustBeAssignments() {
    for (String text : List.of("seed", "=3", "")) {
      Problem problem = Sample.problemWith(text);
      assertThat(problem.file()).isEqualTo("--set " + text);
      assertThat(problem.limit()).isEqualTo("must be KEY=VALUE");
    }
  }

  @Test
  void suggestTheKeyThatWasMeant() {
    assertThat(Sample.problemWith("moe.slots-per-rank=2").remedy())
        .isEqualTo("did you mean moe.echo.slots-per-rank?");
    assertThat(Sample.problemWith("num-layers=2").remedy()).isEqualTo("did you mean model.layers?");
    assertThat(Sample.problemWith("moed.top-k=2").remedy()).isEqualTo("did you mean moe.top-k?");
    assertThat(Sample.problemWith("zzz=2").remedy())
        .isEqualTo("the keys are listed in docs/configuration.md");
  }

  @Test
  void takePropertiesWithAndWithoutQuotes() {
    for (String key : List.of("spark.ui.port", "\"spark.ui.port\"")) {
      Settings settings =
          SettingsReader.preset("quickstart", List.of("spark.properties." + key + "=4050"));
      assertThat(settings.spark().properties()).containsEntry("spark.ui.port", "4050");
    }
  }

  @Test
  void setKeysNotGroups() {
    assertThat(Sample.problemWith("moe.echo={enabled=false}").remedy())
        .isEqualTo("set one of its keys, such as moe.echo.enabled");
    assertThat(Sample.problemWith("spark.properties=x").remedy())
        .isEqualTo("set one of its keys, such as spark.properties.spark.sql.shuffle.partitions");
  }
}
