package io.antiphon.submit;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.antiphon.device.Device;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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
    boolean hasGpu = Device.unavailable().isEmpty();
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
    List<Finding> findings = new GpuChecks(Map.of("LD_LIBRARY_PATH", libraries + ":")).all();

    assertThat(findings)
        .filteredOn(finding -> finding.name().equals("NCCL"))
        .singleElement()
        .satisfies(
            finding -> {
              assertThat(finding.status()).isEqualTo(Finding.Status.NOTE);
              assertThat(finding.found()).contains("libnccl.so.2 does not load: ");
              assertThat(finding.remedy()).isNotEmpty();
            });
  }

  @Test
  void aFindingShowsItsRemedyBelow() {
    assertThat(Finding.bad("memory", "too little", "set more").text())
        .isEqualTo("BAD  memory         too little\n                    -> set more");
    assertThat(Finding.ok("a \"b\"", "c\\\n").json().end())
        .isEqualTo(
            "{\"name\": \"a \\\"b\\\"\", \"status\": \"ok\", \"found\": \"c\\\\\\u000a\","
                + " \"remedy\": \"\"}");
  }
}
