package io.antiphon.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class SourceFilesTest {
  @Test
  void findsHeadersOfHeaders() {
    assertThat(SourceFiles.headers("reduce.cuh")).containsOnlyKeys("types.cuh");
  }

  @Test
  void namesAFileThatIsNotThere() {
    assertThatThrownBy(() -> SourceFiles.text("none.cu")).hasMessageContaining("none.cu");
  }
}
