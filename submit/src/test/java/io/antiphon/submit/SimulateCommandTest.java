package io.antiphon.submit;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SimulateCommandTest {
  private final Path directory;

  SimulateCommandTest(@TempDir Path directory) {
    this.directory = directory;
  }

  private record Result(int exitCode, String out, String err) {}

  private static Result run(String... arguments) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    List<String> all = new ArrayList<>(List.of("simulate"));
    Collections.addAll(all, arguments);
    int exitCode =
        Antiphon.commandLine()
            .setOut(new PrintWriter(out))
            .setErr(new PrintWriter(err, true))
            .execute(all.toArray(String[]::new));
    return new Result(exitCode, out.toString(), err.toString());
  }

  private static Result small(String... more) {
    List<String> all =
        new ArrayList<>(
            List.of("--ranks=8", "--experts=32", "--tokens=256", "--top-k=2", "--steps=6"));
    for (String option : more) {
      all.removeIf(usual -> option.startsWith(usual.substring(0, usual.indexOf('=') + 1)));
    }
    Collections.addAll(all, more);
    return run(all.toArray(String[]::new));
  }

  @Test
  void writesTablesThatFitATerminal() {
    Result result = small("--workload=w1", "--recommend");
    assertThat(result.err()).isEmpty();
    assertThat(result.exitCode()).isZero();
    assertThat(result.out())
        .contains("w1 (hot expert set), seed 1", "8 ranks (8 per node), 32 experts")
        .contains("one-shot K=2", "eplb K=4", "perfect", "* extrapolated")
        .contains("moe.token-capacity = ");
    assertThat(result.out().lines().filter(line -> !line.contains(". ") && !line.endsWith(".")))
        .allSatisfy(line -> assertThat(line.length()).isLessThanOrEqualTo(100));
  }

  @Test
  void writesJson() throws IOException {
    Result result = small("--workload=zipf", "--json", "--slots-per-rank=2", "--planners=one-shot");
    assertThat(result.exitCode()).isZero();
    JsonNode answer = new ObjectMapper().readTree(result.out());
    assertThat(answer.get("contenders").findValuesAsText("label"))
        .containsExactly("none", "one-shot K=2", "perfect");
    assertThat(answer.get("samples").asInt()).isEqualTo(6);
    assertThat(answer.get("recommendation").get("tokenCapacity").asDouble()).isGreaterThan(1);
    assertThat(answer.get("contenders").get(1).get("load").asDouble()).isBetween(1.0, 1.1);
  }

  @Test
  void theSameSeedGivesTheSameAnswer() {
    String[] options = {"--workload=drift", "--json", "--planners=none,eplb", "--seed=3"};
    assertThat(small(options).out()).isEqualTo(small(options).out());
    options[3] = "--seed=4";
    assertThat(small(options).out()).isNotEqualTo(small(options[0], options[1], options[2]).out());
  }

  @Test
  void writesAReport() throws IOException {
    Path report = directory.resolve("simulation.html");
    Result result = small("--workload=w7", "--html", report.toString());
    assertThat(result.exitCode()).isZero();
    assertThat(Files.readString(report))
        .contains("default-src 'none'", "w7 (burst)")
        .doesNotContain("{{")
        .doesNotContainPattern("https?://");
  }

  @Test
  void readsATrace() throws IOException {
    Path trace = directory.resolve("trace.jsonl");
    Files.writeString(
        trace,
        """
        {"step":0,"layer":3,"counts":[[30,10],[30,10]]}
        {"step":1,"layer":3,"counts":[[40,20],[40,20]]}
        """);
    Result result = run("--trace", trace.toString(), "--slots-per-rank=1", "--json");
    assertThat(result.err()).isEmpty();
    JsonNode answer = new ObjectMapper().readTree(result.out());
    assertThat(answer.get("ranks").asInt()).isEqualTo(2);
    assertThat(answer.get("samples").asInt()).isEqualTo(1);
    assertThat(answer.get("contenders").get(0).get("load").asDouble()).isEqualTo(1.33333);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--workload=w9 | --workload: w9 is none of [zipf, drift, w0,",
        "--experts=33 | --experts 33 cannot be shared evenly by --ranks 8. Use a multiple of 8.",
        "--ranks=0 | --ranks must be in [1, 1024], was 0",
        "--experts=4096 | --experts must be in [1, 2048], was 4096",
        "--top-k=33 | --top-k must be in [1, 32], was 33",
        "--zipf-exponent=NaN | --zipf-exponent must be a number in [0, 8], was NaN",
        "--zipf-exponent=a | Invalid value for option '--zipf-exponent'",
        "--tokens=1e9 | Invalid value for option '--tokens'",
        "--slots-per-rank=0 | --slots-per-rank must be in [1, 32], was 0",
        "--slots-per-rank=64 | --slots-per-rank must be in [1, 32], was 64",
        "--planners=one-shot,best | --planners: best is none of",
        "--tolerance=-1 | --tolerance must be in [0, 1], was -1.0",
        "--ranks-per-node=0 | --ranks-per-node must be at least 1",
        "--hidden=0 | --hidden must be in [1, 1048576], was 0",
        "--eplb-period=0 | --eplb-period must be in [1, 1000000], was 0",
        "--steps=1000000 --layers=9 | Lower --steps",
        "--cost=missing.conf | missing.conf: cannot be read",
        "--html=/nowhere/at/all.html | --html: cannot write to /nowhere/at",
        "--trace=x --workload=w0 | exclude each other",
        "--trace=missing.jsonl | missing.jsonl: no such file. Give --trace an existing file",
        "--what | Unknown option: '--what'"
      })
  void aBadOptionGivesOneLineAndExitCode2(String options, String message) {
    Result result = small(options.strip().split(" "));
    assertThat(result.exitCode()).isEqualTo(2);
    assertThat(result.out()).isEmpty();
    List<String> errors = result.err().lines().toList();
    assertThat(errors.get(0)).startsWith("antiphon").contains(message.strip());
    assertThat(errors.subList(1, errors.size()))
        .isSubsetOf(List.of("See antiphon simulate --help."));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"counts\": [[1, 2], [3]]} | rank 1 has 1 counts, rank 0 has 2",
        "{\"counts\": [[1, -2]]} | count -2 is outside",
        "{\"counts\": [[1, 3000000000]]} | count 3000000000 is outside",
        "{\"counts\": [[2147483647, 1]]} | one plan covers at most",
        "{\"counts\": [[1, 2, 3], [4, 5, 6]]} | 3 experts cannot be shared evenly by 2 ranks",
        "{\"counts\": [[NaN]]} | NaN is not a whole number",
        "{\"counts\": [[1.5]]} | 1.5 is not a whole number",
        "{\"counts\": [[1] | the input ends inside an object",
        "{\"layer\": 1} | has no \"counts\"",
        "{\"layer\": \"x\", \"counts\": [[1]]} | \"layer\" is \"x\"",
        "counts: 1 | not JSON"
      })
  void aBadTraceGivesOneLineAndExitCode2(String json, String message) throws IOException {
    Path trace = Files.writeString(directory.resolve("bad.jsonl"), json);
    Result result = run("--trace", trace.toString(), "--slots-per-rank=1");
    assertThat(result.exitCode()).isEqualTo(2);
    assertThat(result.err().lines()).hasSize(1);
    assertThat(result.err()).contains("bad.jsonl, line 1").contains(message);
  }
}
