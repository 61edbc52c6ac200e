package io.antiphon.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.antiphon.cpu.CpuBackend;
import io.antiphon.tensor.Arena;
import io.antiphon.tensor.Backend;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.HostValues;
import io.antiphon.tensor.Shape;
import io.antiphon.tensor.Tensor;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Integers from several arrays reach a tensor as one. */
class HostWritesTest {
  /** Integers in the page-locked memory that goes to a device at once. */
  private static final int PIECE = (4 << 20) / Integer.BYTES;

  @Test
  void partsFollowEachOtherOnTheCpu() {
    try (Backend backend = CpuBackend.f64()) {
      writesAll(backend, 5, 1);
      writesAll(backend, 0, 3, 2);
      refusesOthers(backend);
    }
  }

  @Test
  @Tag("gpu")
  void partsFollowEachOtherOnAGpuWhereverThePiecesEnd() {
    try (CudaBackend backend = CudaBackend.open(0, DType.F32, TestDevices.kernelCache())) {
      writesAll(backend, 5, 1);
      writesAll(backend, PIECE, 1);
      writesAll(backend, PIECE - 1, 1);
      writesAll(backend, 3 * PIECE + 7, PIECE, 1);
      for (int i = 0; i < 20; i++) { // more often than there are pieces
        writesAll(backend, 100 + i, 1);
      }
      refusesOthers(backend);
    }
  }

  private static void writesAll(Backend backend, int... lengths) {
    int[][] parts = new int[lengths.length][];
    int total = 0;
    for (int i = 0; i < lengths.length; i++) {
      parts[i] = new int[lengths[i]];
      for (int j = 0; j < lengths[i]; j++) {
        parts[i][j] = 31 * total++ + 1;
      }
    }
    try (Arena arena = new Arena(backend)) {
      Tensor to = arena.own("to", Arena.Category.INPUT_OUTPUT, DType.I32, Shape.of(total));
      backend.hostIo().writeAll(to, parts);
      long[] seen = new HostValues(backend.hostIo()).longs(to);
      for (int i = 0; i < total; i++) {
        if (seen[i] != 31 * i + 1) { // millions of assertions would take long
          assertThat(seen[i]).as("element %d of %d", i, total).isEqualTo(31 * i + 1);
        }
      }
    }
  }

  private static void refusesOthers(Backend backend) {
    try (Arena arena = new Arena(backend)) {
      Tensor three = arena.own("three", Arena.Category.INPUT_OUTPUT, DType.I32, Shape.of(3));
      assertThatThrownBy(() -> backend.hostIo().writeAll(three, new int[] {1}, new int[] {2}))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("2 integers do not fill");
      Tensor real = arena.own("real", Arena.Category.INPUT_OUTPUT, DType.F64, Shape.of(1));
      assertThatThrownBy(() -> backend.hostIo().writeAll(real, new int[] {1}))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }
}
