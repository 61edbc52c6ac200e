package io.antiphon.trace;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CountsInputTest {
  @Test
  void bytesThatReadLikeUtf32AreAnErrorWithItsLine(@TempDir Path directory) throws Exception {
    Path file = Files.write(directory.resolve("counts.json"), new byte[] {0, 0, 0x40, 0});
    assertThatThrownBy(() -> CountsInput.open("--counts", file.toString()))
        .isInstanceOf(TraceException.class)
        .hasMessageStartingWith(file + ", line 1: not UTF-8 text");
  }
}
