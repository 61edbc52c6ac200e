package io.antiphon.simulate;

import io.antiphon.fuzz.Fuzz;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("fuzz")
class CostFileFuzzTest {
  @Test
  void constantsAreReadOrRefused(@TempDir Path directory) throws IOException {
    Path file = directory.resolve("cost.conf");
    byte[] shipped;
    try (var in = Objects.requireNonNull(CostFile.class.getResourceAsStream("cost.conf"))) {
      shipped = in.readAllBytes();
    }
    Fuzz.of("cost.conf", OptionException.class)
        .from(shipped)
        .from("plan-seconds = 1e-4", "links { between-bytes-per-second = 25e9 }")
        .words("include \"a\"\n", "${PATH}", "gemm.efficiency", "weights.relay = on")
        .run(
            input -> {
              Files.write(file, input);
              CostFile.read(file);
            });
  }
}
