package io.antiphon.submit;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code doctor} on a machine with a GPU, NVRTC, cuBLASLt and nvidia-smi. Needs
 * CUDA_DEVICE_MAX_CONNECTIONS=32 in the environment.
 */
@Tag("gpu")
@Timeout(180)
class DoctorOnGpuTest {
  @Test
  void everythingIsOkAndTheKernelIsFoundTheSecondTime(@TempDir Path folder) throws Exception {
    JsonNode first = doctor(folder);
    JsonNode second = doctor(folder);

    assertThat(first.path("trains").asBoolean()).as(first.toString()).isTrue();
    assertThat(first.path("trainsOnGpu").asBoolean()).isTrue();
    assertThat(first.path("checks"))
        .filteredOn(check -> check.path("name").asText().matches("GPU.*|cuBLASLt|memory plan"))
        .hasSizeGreaterThanOrEqualTo(7)
        .allSatisfy(check -> assertThat(check.path("status").asText()).isEqualTo("ok"));
    assertThat(found(first, "GPU kernels"))
        .startsWith("memory.cu compiled with NVRTC 13.")
        .endsWith("cache " + folder);
    assertThat(found(second, "GPU kernels")).startsWith("memory.cu found in the cache with NVRTC");
    assertThat(found(first, "GPU discovery")).contains("{\"name\": \"gpu\", \"addresses\": [\"");
    try (var entries = Files.list(folder)) {
      assertThat(entries).hasSize(1);
    }
  }

  @Test
  void aModelThatIsTooLargeFailsWithoutAllocatingIt() {
    TinyRun.Result result =
        TinyRun.antiphon(
            "doctor",
            "--preset",
            "moe-1b",
            "--set",
            "model.hidden=16384",
            "--set",
            "moe.expert-ffn=8192");

    assertThat(result.exitCode()).isEqualTo(Antiphon.FAILED);
    assertThat(result.out()).contains("FAIL GPU memory", "-> Lower schedule.micro-batch (now 4)");
  }

  private static JsonNode doctor(Path folder) throws Exception {
    TinyRun.Result result =
        TinyRun.antiphon(
            "doctor",
            "--preset",
            "quickstart",
            "--set",
            "backend.kind=cuda",
            "--set",
            "backend.kernel-cache=" + folder,
            "--json");
    return new ObjectMapper().readTree(result.out());
  }

  private static String found(JsonNode answer, String name) {
    for (JsonNode check : answer.path("checks")) {
      if (check.path("name").asText().equals(name)) {
        return check.path("found").asText();
      }
    }
    throw new AssertionError(name + " is none of " + answer);
  }
}
