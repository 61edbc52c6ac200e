package io.antiphon.comm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.antiphon.tensor.DType;
import org.junit.jupiter.api.Test;

class PeerKernelsTest {
  @Test
  void wordsAreAsWideAsAllAddressesAndTheRowAllow() {
    assertThat(PeerKernels.wordBytes(64, 32, 48, 0)).isEqualTo(16);
    assertThat(PeerKernels.wordBytes(64, 32, 40, 0)).isEqualTo(8);
    assertThat(PeerKernels.wordBytes(12, 32, 48)).isEqualTo(4);
    assertThat(PeerKernels.wordBytes(10, 32, 48)).isEqualTo(2);
  }

  @Test
  void valuesAreTakenTogetherOnlyFromAlignedRows() {
    assertThat(PeerKernels.packed(DType.BF16, 64, 32, 48, 0)).isEqualTo(8);
    assertThat(PeerKernels.packed(DType.F32, 4, 32, 48)).isEqualTo(4);
    assertThat(PeerKernels.packed(DType.F32, 5, 32, 48)).isEqualTo(1);
    assertThat(PeerKernels.packed(DType.F64, 2, 8, 48)).isEqualTo(1);
  }

  @Test
  void ranksThatShareADeviceInAProcessNeedTheirOwnQueues() {
    PeerGroup.requireConnections(4, "32");
    assertThatThrownBy(() -> PeerGroup.requireConnections(4, null))
        .hasMessageContaining("CUDA_DEVICE_MAX_CONNECTIONS=32");
    assertThatThrownBy(() -> PeerGroup.requireConnections(4, "8")).hasMessageContaining("it is 8");
  }
}
