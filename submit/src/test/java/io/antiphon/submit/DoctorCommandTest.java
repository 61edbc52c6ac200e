package io.antiphon.submit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.antiphon.conf.SettingsReader;
import io.antiphon.device.Cuda;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class DoctorCommandTest {
  @Test
  void findsThatTheMachineOfThisTestTrains() throws IOException {
    TinyRun.Result text = TinyRun.antiphon("doctor");
    TinyRun.Result json = TinyRun.antiphon("doctor", "--json");

    assertThat(text.exitCode()).as(text.out()).isZero();
    assertThat(text.out()).contains("OpenBLAS", "This machine can train on the CPU.");
    assertThat(json.exitCode()).isZero();
    JsonNode answer = new ObjectMapper().readTree(json.out());
    assertThat(answer.path("trainsOnCpu").asBoolean()).isTrue();
    boolean hasGpu = Cuda.whyNoDevice().isEmpty();
    assertThat(text.out().contains("can train on a GPU")).isEqualTo(hasGpu);
    assertThat(answer.path("trainsOnGpu").asBoolean()).isEqualTo(hasGpu);
    assertThat(answer.path("checks"))
        .extracting(check -> check.path("name").asText())
        .contains("Java", "processors", "memory", "Spark", "BLAS", "tokenizers", "GPU", "NCCL");
    assertThat(answer.path("checks"))
        .filteredOn(check -> check.path("name").asText().matches("Java|Spark|BLAS|tokenizers"))
        .allSatisfy(check -> assertThat(check.path("status").asText()).isEqualTo("ok"));
  }

  @Test
  void aLibraryThatIsThereButDoesNotLoadSaysWhy(@TempDir Path libraries) throws IOException {
    Files.writeString(libraries.resolve("libnccl.so.2"), "no library");
    List<Finding> findings = new GpuLibraries(Map.of("LD_LIBRARY_PATH", libraries + ":")).all();

    assertThat(findings)
        .filteredOn(finding -> finding.name().equals("NCCL"))
        .singleElement()
        .satisfies(
            finding -> {
              assertThat(finding.status()).isEqualTo(Finding.Status.WARN);
              assertThat(finding.found()).contains("libnccl.so.2 does not load: ");
              assertThat(finding.remedy()).isNotEmpty();
            });
  }

  @Test
  void aFindingShowsItsRemedyBelow() {
    assertThat(Finding.fail("memory", "too little", "set more").text())
        .isEqualTo("FAIL memory         too little\n                    -> set more");
    assertThat(Finding.skip("GPU", "none").text()).isEqualTo("-    GPU            none");
    assertThat(Finding.ok("a \"b\"", "c\\\n").json().end())
        .isEqualTo(
            "{\"name\": \"a \\\"b\\\"\", \"status\": \"ok\", \"found\": \"c\\\\\\u000a\","
                + " \"remedy\": \"\"}");
  }

  @Test
  void settingsForTheCpuNeedNoGpu() throws IOException {
    TinyRun.Result result =
        TinyRun.antiphon("doctor", "--preset", "quickstart", "--set", "backend.kind=cpu");

    assertThat(result.exitCode()).as(result.out()).isZero();
    assertThat(result.out())
        .contains("-    GPU            not needed for backend.kind = cpu")
        .contains("ok   memory plan    each of 4 ranks, GiB: 955,264 parameters;")
        .contains("Nothing here keeps a run with these settings from starting.")
        .doesNotContain("train on a GPU");
    TinyRun.Result json =
        TinyRun.antiphon("doctor", "--preset", "quickstart", "--set", "backend.kind=cpu", "--json");
    JsonNode answer = new ObjectMapper().readTree(json.out());
    assertThat(answer.path("trains").asBoolean()).isTrue();
    assertThat(answer.has("trainsOnGpu")).isFalse();
  }

  @Test
  void settingsForCudaFailWithoutAGpuAndStillShowTheirPlan() throws IOException {
    assumeThat(Cuda.whyNoDevice()).isPresent();
    TinyRun.Result result = TinyRun.antiphon("doctor", "--preset", "moe-1b");
    TinyRun.Result json = TinyRun.antiphon("doctor", "--preset", "moe-1b", "--json");

    assertThat(result.exitCode()).as(result.out()).isEqualTo(Antiphon.FAILED);
    assertThat(result.err()).isEmpty();
    assertThat(result.out())
        .contains("FAIL GPU            none, and backend.kind is cuda: ")
        .contains("or set backend.kind to cpu or auto")
        .contains("in GiB: 1,034,050,560 parameters;")
        .contains("-    GPU memory     1 rank on a GPU needs 27.9 GiB")
        .contains("A run with these settings would fail here: see FAIL above.")
        .doesNotContain("Exception");
    assertThat(json.exitCode()).isEqualTo(Antiphon.FAILED);
    JsonNode answer = new ObjectMapper().readTree(json.out());
    assertThat(answer.path("trains").asBoolean()).isFalse();
    assertThat(answer.path("trainsOnCpu").asBoolean()).isTrue();
    assertThat(answer.path("trainsOnGpu").asBoolean()).isFalse();
  }

  @Test
  void settingsThatCannotBeReadAreTheUsersError() {
    TinyRun.Result unknown = TinyRun.antiphon("doctor", "--preset", "quickstart", "--set", "a.b=1");
    TinyRun.Result alone = TinyRun.antiphon("doctor", "--set", "backend.kind=cpu");

    assertThat(unknown.exitCode()).isEqualTo(Antiphon.USAGE);
    assertThat(unknown.err()).contains("a.b").doesNotContain("\tat ");
    assertThat(alone.exitCode()).isEqualTo(Antiphon.USAGE);
    assertThat(alone.err()).contains("--set changes settings: give --preset or --config too");
  }

  @Test
  void aGpuThatDoesItsWorkIsReported() {
    TinyRun.Result result = doctor(FakeGpus.one());

    assertThat(result.exitCode()).isZero();
    assertThat(result.out())
        .contains(
            "ok   GPU kernels    memory.cu compiled with NVRTC 13.0 and loaded in 312 ms",
            "ok   NCCL           version 2.28.3",
            "ok   GPU discovery  gpu-discovery.sh prints {\"name\": \"gpu\", \"addresses\":"
                + " [\"0\"]}",
            "ok   memory plan    in GiB: 1,034,050,560 parameters;",
            "ok   GPU memory     1 rank on a GPU needs 27.9 GiB, 79.0 of 80.0 GiB are free",
            "This machine can train on a GPU (backend.kind = cuda).",
            "Nothing here keeps a run with these settings from starting.");
  }

  @Test
  void aGpuThatIsFullFailsTheRun() {
    TinyRun.Result result = doctor(FakeGpus.one().free(20));

    assertThat(result.exitCode()).isEqualTo(Antiphon.FAILED);
    assertThat(result.out())
        .contains(
            "FAIL GPU memory     1 rank on a GPU needs 27.9 GiB, 20.0 of 80.0 GiB are free",
            "This machine can train on a GPU (backend.kind = cuda).",
            "A run with these settings would fail here: see FAIL above.");
  }

  private static TinyRun.Result doctor(FakeGpus machine) {
    StringWriter out = new StringWriter();
    CommandLine line =
        Objects.requireNonNull(Antiphon.commandLine().getSubcommands().get("doctor"));
    line.setOut(new PrintWriter(out));
    DoctorCommand command = line.getCommand();
    int exitCode =
        command.report(Optional.of(SettingsReader.preset("moe-1b", List.of())), machine.sources());
    return new TinyRun.Result(exitCode, out.toString(), "");
  }
}
