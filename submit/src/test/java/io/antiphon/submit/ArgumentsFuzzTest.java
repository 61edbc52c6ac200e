package io.antiphon.submit;

import static org.assertj.core.api.Assertions.assertThat;

import io.antiphon.fuzz.Fuzz;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

@Tag("fuzz")
class ArgumentsFuzzTest {
  private static final int MOST = 100; // time and memory of picocli grow with the square

  @Test
  void argumentsAreReadOrExplainedInAFewLines() {
    Fuzz.of("arguments")
        .from(
            "train\n--preset\nquickstart\n--set\nseed=7\n--run-dir\nruns/a",
            "generate\n--run-dir\nruns/a\n--prompt\n@x\n--tokens\n3",
            "simulate\n--workload\nzipf\n--steps\n3",
            "plan\n--counts\n-\n--json",
            "doctor\n--json")
        .words(
            "--set", "--config", "--step", "--help", "--version", "--cluster", "@", "-", "--", "=")
        .run(input -> parse(new String(input, StandardCharsets.UTF_8).split("\n", MOST)));
  }

  private static void parse(String[] arguments) throws Exception {
    StringWriter err = new StringWriter();
    CommandLine line = Antiphon.commandLine();
    line.setErr(new PrintWriter(err));
    try {
      line.parseArgs(arguments);
    } catch (CommandLine.ParameterException refused) {
      refused.getCommandLine().setErr(new PrintWriter(err));
      line.getParameterExceptionHandler().handleParseException(refused, arguments);
      assertThat(err.toString()).matches("[\\P{Cntrl}\n\t]{1,8000}");
    }
  }
}
