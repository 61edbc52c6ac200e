package io.antiphon.conf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import java.util.List;
import org.junit.jupiter.api.Test;

class HoconSourceTest {
  @Test
  void resolvesSubstitutionsAfterOverrides() {
    Settings settings =
        SettingsReader.source(
            "a.conf",
            Sample.FILE
                + "moe.shared-expert-ffn = ${moe.expert-ffn}\nname = ${?NOT_SET_ANYWHERE}\n",
            List.of("moe.expert-ffn=40"));

    assertThat(settings.moe().sharedExpertFfn()).isEqualTo(40);
    assertThat(settings.name()).isEqualTo("run");
  }

  @Test
  void reportsEverySubstitutionWithoutAValueOnce() {
    List<Problem> problems =
        Sample.problemsOf(
            Sample.FILE
                + """
                seed = ${nowhere.seed}
                checkpoint.dir = ${nowhere.dir}/checkpoints
                monitor = ${nowhere.monitor}
                backend.kindd = ${nowhere.kind}
                name = ${?nowhere.name}
                """,
            "model.layers=0");

    assertThat(problems)
        .extracting(Problem::line, Problem::limit)
        .containsExactly(
            tuple(22, "${nowhere.seed} is not defined"),
            tuple(23, "${nowhere.dir} is not defined"),
            tuple(24, "${nowhere.monitor} is not defined"),
            tuple(25, "${nowhere.kind} is not defined"),
            tuple(25, "unknown key"),
            tuple(0, "must be a whole number, at least 1"));
  }

  @Test
  void reportsACycleOfSubstitutions() {
    Problem problem = Sample.problemOfFileAnd("seed = ${model.layers}\nmodel.layers = ${seed}\n");

    assertThat(problem.line()).isBetween(22, 23);
    assertThat(problem.limit()).contains("cycle of substitutions");
    assertThat(problem.remedy()).isEqualTo("write the value itself");
  }

  @Test
  void reportsASyntaxErrorWithItsLineAndTheBadOverridesWithIt() {
    List<Problem> problems =
        Sample.problemsOf("model {\n  layers = 4\n  hidden = a = b\n}\n", "sed=7");

    assertThat(problems).hasSize(2);
    assertThat(problems.get(0).line()).isEqualTo(3);
    assertThat(problems.get(0).limit())
        .startsWith("cannot be read as HOCON: Expecting")
        .doesNotContain(".properties");
    assertThat(problems.get(0).remedy()).contains("double quotes");
    assertThat(problems.get(1).remedy()).isEqualTo("did you mean seed?");
  }
}
