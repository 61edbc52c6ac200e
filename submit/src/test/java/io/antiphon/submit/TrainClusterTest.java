package io.antiphon.submit;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** Where {@code train} is told to run. */
class TrainClusterTest {
  @Test
  void aClusterToStartAndOneToUseAreOneError() {
    assertThat(error("--cluster", "2", "--master", "yarn"))
        .contains("1 problem", "--set spark.cluster=2", "must be 0 with spark.master = yarn");
  }

  @Test
  void executorsMustShareTheRanksEvenly() {
    assertThat(error("--cluster", "3"))
        .contains("1 problem", "must divide parallelism.ranks (4)", "set spark.cluster = 2");
  }

  private static String error(String... arguments) {
    StringWriter err = new StringWriter();
    CommandLine line = Antiphon.commandLine();
    line.setErr(new PrintWriter(err));
    List<String> all = new ArrayList<>(List.of("train", "--preset", "quickstart"));
    all.addAll(List.of(arguments));
    assertThat(line.execute(all.toArray(String[]::new))).isEqualTo(Antiphon.USAGE);
    return err.toString();
  }
}
