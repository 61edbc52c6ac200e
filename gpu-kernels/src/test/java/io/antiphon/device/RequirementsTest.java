package io.antiphon.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Devices and drivers that will not do, without any. */
class RequirementsTest {
  @ParameterizedTest
  @CsvSource({"7, 0", "7, 5", "6, 1"})
  void anOlderArchitectureIsRefusedByName(int major, int minor) {
    assertThatThrownBy(() -> new Architecture(major, minor).requireSupported("device 1 (Tesla V)"))
        .isInstanceOfSatisfying(DeviceException.class, e -> assertThat(e.sticky()).isFalse())
        .hasMessage(
            "device 1 (Tesla V) has compute capability %d.%d, the kernels need 8.0 or later"
                    .formatted(major, minor)
                + " (Ampere, 2020). Use another GPU, or backend.kind = cpu");
  }

  @ParameterizedTest
  @CsvSource({"8, 0, sm_80", "8, 9, sm_89", "9, 0, sm_90a", "10, 0, sm_100a", "12, 0, sm_120a"})
  void laterOnesAreTaken(int major, int minor, String target) {
    Architecture architecture = new Architecture(major, minor);
    assertThatCode(() -> architecture.requireSupported("device 0")).doesNotThrowAnyException();
    assertThat(architecture.target()).isEqualTo(target);
  }

  @Test
  void aDriverOfAnOlderCudaIsRefusedBeforeItFailsOddly() {
    assertThatThrownBy(() -> CudaVersion.of(12_080).requireSupported())
        .isInstanceOf(DeviceException.class)
        .hasMessage(
            "the NVIDIA driver is for CUDA 12.8, and the libraries are of CUDA 13. Install a driver"
                + " for CUDA 13, of branch 580 or later");
  }

  @ParameterizedTest
  @ValueSource(ints = {13_000, 13_010, 14_000})
  void laterDriversAreTaken(int version) {
    assertThatCode(() -> CudaVersion.of(version).requireSupported()).doesNotThrowAnyException();
  }

  @Test
  void lackOfMemoryEndsWithTheAdvice() {
    Device.Memory memory = new Device.Memory(310L << 20, 80L << 30);
    assertThat(new OutOfDeviceMemory("slot weights", 448L << 20, memory, "Lower x (now 2)"))
        .hasMessage(
            "asked 448.0 MiB for slot weights; 310.0 MiB of 81920.0 MiB are free. Lower x (now 2)");
    assertThat(new OutOfDeviceMemory("slot weights", 448L << 20, memory, ""))
        .hasMessage("asked 448.0 MiB for slot weights; 310.0 MiB of 81920.0 MiB are free");
  }

  /** Errors that CUDA documents to need a new process; 713 is about host memory and passes. */
  @ParameterizedTest
  @CsvSource({
    "214, true", "220, true", "226, true", "700, true", "702, true", "710, true", "714, true",
    "715, true", "716, true", "717, true", "718, true", "719, true", "721, true", "810, true",
    "0, false", "2, false", "600, false", "701, false", "704, false", "713, false", "720, false"
  })
  void stickyErrorsAreThoseThatOnlyANewProcessMends(int code, boolean sticky) {
    assertThat(DeviceException.ofCuda("cuSomething", "AN_ERROR", code, "do it").sticky())
        .isEqualTo(sticky);
  }

  @Test
  void errorsAfterWhichADeviceIsLostAreSticky() {
    DeviceException lost =
        DeviceException.ofCuda(
            "cuStreamSynchronize", "CUDA_ERROR_ILLEGAL_ADDRESS", 700, "wait for a stream");
    DeviceException other =
        DeviceException.ofCuda("cuMemHostAlloc", "CUDA_ERROR_OUT_OF_MEMORY", 2, "allocate");

    assertThat(lost.sticky()).isTrue();
    assertThat(lost)
        .hasMessage(
            "cuStreamSynchronize failed, CUDA_ERROR_ILLEGAL_ADDRESS (700): wait for a stream. This"
                + " process has lost the device, a new one gets it back");
    assertThat(other.sticky()).isFalse();
  }
}
