package io.antiphon.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import org.junit.jupiter.api.Test;

/** What a machine without an NVIDIA driver says. */
class MissingCudaTest {
  @Test
  void namesTheLibraryAndWhereItWasLookedFor() {
    String reason = Cuda.whyNoDevice().orElse("");
    assumeThat(reason).as("a machine with a driver").contains("libcuda.so.1");
    assertThat(reason)
        .contains("the NVIDIA driver", "LD_LIBRARY_PATH", "/usr/lib", "Install the NVIDIA driver");
    assertThatThrownBy(() -> Device.open(0))
        .isInstanceOfSatisfying(DeviceException.class, e -> assertThat(e.sticky()).isFalse())
        .hasMessageContaining("libcuda.so.1");
    // Also the second time, when the JVM only remembers that a class could not be initialised.
    assertThat(Cuda.whyNoDevice()).get().asString().contains("libcuda.so.1");
  }
}
