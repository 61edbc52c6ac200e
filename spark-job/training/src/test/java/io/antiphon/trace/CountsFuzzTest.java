package io.antiphon.trace;

import io.antiphon.fuzz.Fuzz;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("fuzz")
class CountsFuzzTest {
  private final Path file;

  CountsFuzzTest(@TempDir Path directory) {
    file = directory.resolve("counts.json");
  }

  @Test
  void countsAreReadOrRefused() {
    fuzz("routing counts").run(input -> readAll(input, false));
  }

  @Test
  void tracesAreReadOrRefused() {
    fuzz("routing trace").run(input -> readAll(input, true));
  }

  private static Fuzz fuzz(String name) {
    return Fuzz.of(name, TraceException.class)
        .from(
            """
            {"counts": [[1, 2], [3, 4]]}
            {"step": 1, "layer": 0, "counts": [[0, 0], [5, 1]]}
            """)
        .words("\"counts\":", "\"step\":", "\"layer\":", "[[1,2]]", "{\"counts\": [[1]]}");
  }

  private void readAll(byte[] input, boolean trace) throws IOException {
    Files.write(file, input);
    try (CountsInput counts =
        trace
            ? CountsInput.openTrace("--trace", file.toString())
            : CountsInput.open("--counts", file.toString())) {
      while (counts.next().isPresent()) {
        // each is checked as it is read
      }
    }
  }
}
