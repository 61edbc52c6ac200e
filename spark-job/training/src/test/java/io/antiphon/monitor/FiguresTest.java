package io.antiphon.monitor;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

final class FiguresTest {

  @Test
  void largeNumbersGetASuffix() {
    assertThat(Figures.compact(0)).isEqualTo("0");
    assertThat(Figures.compact(999)).isEqualTo("999");
    assertThat(Figures.compact(999.6)).isEqualTo("1.0k");
    assertThat(Figures.compact(12_345)).isEqualTo("12.3k");
    assertThat(Figures.compact(99_960)).isEqualTo("100k");
    assertThat(Figures.compact(999_600)).isEqualTo("1.00M");
    assertThat(Figures.compact(123_456_789)).isEqualTo("123M");
    assertThat(Figures.compact(Double.NaN)).isEqualTo("-");
  }

  @Test
  void durationsUseTheTwoLargestUnits() {
    assertThat(Figures.duration(Duration.ofMillis(4_200))).isEqualTo("4.2s");
    assertThat(Figures.duration(Duration.ofSeconds(42))).isEqualTo("42s");
    assertThat(Figures.duration(Duration.ofSeconds(65))).isEqualTo("1m05s");
    assertThat(Figures.duration(Duration.ofMinutes(187))).isEqualTo("3h07m");
    assertThat(Figures.duration(Duration.ofHours(52))).isEqualTo("2d04h");
    assertThat(Figures.duration(Duration.ofSeconds(-1))).isEqualTo("0.0s");
  }

  @Test
  void aMessageCannotMoveTheCursor() {
    assertThat(Figures.oneLine("lost\n\u001b[2Jrank 1\r")).isEqualTo("lost [2Jrank 1");
  }
}
