package io.antiphon.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.antiphon.cpu.CpuBackend;
import org.junit.jupiter.api.Test;

/** Views, and the trap of docs/echo.md 5 that offsets of large buffers exceed 31 bits. */
class TensorTest {
  /** Memory that nobody touches. */
  private record Untouched(DType dtype, long elements) implements Storage {}

  @Test
  void offsetsOfLargeBuffersHave64Bits() {
    long rows = 300_000;
    long width = 28_672;
    Tensor large = Tensor.of(new Untouched(DType.BF16, rows * width), Shape.of(rows, width));
    Tensor last = large.rows(rows - 1, 1);
    assertThat(last.offset()).isEqualTo(299_999L * 28_672L).isGreaterThan(Integer.MAX_VALUE);
    assertThat(large.range(rows * width - 3, 3).offset()).isEqualTo(rows * width - 3);
    assertThat(last.rows(0, 1).range(5, 2).offset()).isEqualTo(last.offset() + 5);
  }

  @Test
  void sizesBeyond64BitsAndNegativeOnesAreRefused() {
    assertThatThrownBy(() -> Shape.of(1L << 40, 1L << 40)).isInstanceOf(ArithmeticException.class);
    assertThatThrownBy(() -> Shape.of(3, -1)).hasMessageContaining("[3, -1]");
    assertThatThrownBy(() -> Shape.of(1L << 40).intExtent(0))
        .isInstanceOf(ArithmeticException.class);
  }

  @Test
  void theCpuRefusesABufferItCannotIndexByName() {
    try (CpuBackend backend = CpuBackend.f64()) {
      assertThatThrownBy(() -> backend.allocate("logits", DType.F64, 1L << 31))
          .isInstanceOf(Backend.OutOfMemory.class)
          .hasMessageContaining("logits")
          .hasMessageContaining("2147483648 elements");
    }
  }

  @Test
  void viewsStayInsideTheirTensor() {
    Tensor tensor = Tensor.of(new Untouched(DType.F32, 12), Shape.of(4, 3));
    assertThatThrownBy(() -> tensor.rows(3, 2)).hasMessageContaining("[3, 5)");
    assertThatThrownBy(() -> tensor.range(-1, 2)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> tensor.range(11, 2)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> tensor.reshape(5, 2)).hasMessageContaining("[4, 3]");
    assertThat(tensor.rows(1, 2).reshape(6).rows(4, 2).offset()).isEqualTo(7);
  }
}
