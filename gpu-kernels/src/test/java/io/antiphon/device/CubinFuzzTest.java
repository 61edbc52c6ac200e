package io.antiphon.device;

import static org.assertj.core.api.Assertions.assertThat;

import io.antiphon.fuzz.Fuzz;
import java.io.IOException;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("fuzz")
class CubinFuzzTest {
  @Test
  void entriesOfTheCacheAreWholeOrRefused() throws IOException {
    byte[] sound =
        new Cubin(Map.of("count<1>", "_Z5count", "b", "c"), new byte[] {1, 2, 3, 4}).encode();
    Fuzz.of("cubin", IOException.class)
        .from(sound)
        .run(input -> assertThat(Cubin.decode(input).encode()).isEqualTo(input));
  }
}
