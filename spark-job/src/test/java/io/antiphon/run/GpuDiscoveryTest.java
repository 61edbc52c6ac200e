package io.antiphon.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import org.apache.spark.resource.ResourceInformation;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GpuDiscoveryTest {
  @TempDir Path directory = Path.of("");

  @Test
  void printsWhatNvidiaSmiListsAsSparkReadsIt() throws Exception {
    nvidiaSmi("printf '0\\n1\\n'");
    String said = script(Map.of());

    ResourceInformation read = ResourceInformation.parseJson(said);
    assertThat(read.name()).isEqualTo("gpu");
    assertThat(read.addresses()).containsExactly("0", "1");
  }

  @Test
  void keepsTheNamesOfVisibleDevices() throws Exception {
    assertThat(script(Map.of("CUDA_VISIBLE_DEVICES", "3, GPU-5a")).strip())
        .isEqualTo("{\"name\": \"gpu\", \"addresses\": [\"3\",\"GPU-5a\"]}");
  }

  @Test
  void failsWithAReasonWhereThereIsNone() throws Exception {
    nvidiaSmi("exit 9");
    assertThat(script(Map.of())).contains("gpu-discovery: nvidia-smi failed");
    nvidiaSmi("exit 0");
    assertThat(script(Map.of())).contains("gpu-discovery: this machine has no GPU");
  }

  @Test
  void isReadHereAsThere() throws Exception {
    Path fake =
        Files.writeString(
            directory.resolve("fake"),
            "echo '{\"name\": \"gpu\"," + " \"addresses\": [\"0\",\"1\"]}'");
    assertThat(GpuDiscovery.run(fake))
        .isEqualTo(
            new GpuDiscovery(
                List.of("0", "1"), "{\"name\": \"gpu\", \"addresses\": [\"0\",\"1\"]}", ""));
    Files.writeString(fake, "echo no driver; exit 1");
    assertThat(GpuDiscovery.run(fake)).isEqualTo(GpuDiscovery.without("no driver"));
  }

  @Test
  void aScriptOfTheUsersRunsAsSparkRunsIt() throws Exception {
    Path script = directory.resolve("own");
    Files.writeString(
        script, "#!/usr/bin/env -S sed 1d\n{\"name\": \"gpu\", \"addresses\": [\"GPU-5a\"]}\n");
    assertThatThrownBy(() -> GpuDiscovery.runAsSpark(script)).isInstanceOf(IOException.class);
    Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
    assertThat(GpuDiscovery.runAsSpark(script).addresses()).containsExactly("GPU-5a");
  }

  @Test
  void whatSparkWouldNotReadIsShown() throws Exception {
    Path fake = directory.resolve("fake");
    for (String printed :
        List.of(
            "0 1", "{\"name\": \"gpu\"}", "{\"name\": \"fpga\", \"addresses\": [\"0\"]}", "[]")) {
      Files.writeString(fake, "echo '" + printed + "'");
      assertThat(GpuDiscovery.run(fake).problem())
          .contains("it printed '" + printed + "'")
          .contains("Spark wants {\"name\": \"gpu\", \"addresses\": [");
    }
    Files.writeString(fake, "exit 3");
    assertThat(GpuDiscovery.run(fake)).isEqualTo(GpuDiscovery.without("it ended with 3"));
  }

  private void nvidiaSmi(String body) throws IOException {
    Path fake = Files.writeString(directory.resolve("nvidia-smi"), "#!/bin/sh\n" + body + "\n");
    Files.setPosixFilePermissions(fake, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private String script(Map<String, String> environment) throws Exception {
    Path script = GpuDiscovery.writeScript(directory);
    ProcessBuilder builder = new ProcessBuilder(script.toString()).redirectErrorStream(true);
    builder.environment().remove("CUDA_VISIBLE_DEVICES");
    builder.environment().merge("PATH", directory.toString(), (path, own) -> own + ":" + path);
    builder.environment().putAll(environment);
    Process process = builder.start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    process.waitFor();
    return said;
  }
}
