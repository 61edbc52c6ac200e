package io.antiphon.comm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.antiphon.device.DeviceException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NcclLibraryTest {
  @ParameterizedTest
  @CsvSource({"22803, 2.28.3", "22005, 2.20.5", "30000, 3.0.0"})
  void itsNumberIsReadAsPeopleWriteIt(int number, String text) {
    assertThat(NcclLibrary.text(number)).isEqualTo(text);
  }

  /** Whether this machine has it or not. */
  @Test
  void itHasAVersionOrAReason() {
    for (int attempt = 0; attempt < 2; attempt++) {
      Throwable failure =
          catchThrowable(() -> assertThat(NcclLibrary.version()).matches("\\d+\\.\\d+\\.\\d+"));
      if (failure != null) {
        assertThat(failure)
            .isInstanceOf(DeviceException.class)
            .hasMessageContaining("libnccl.so.2 (NVIDIA's collectives) could not be loaded");
      }
    }
  }
}
