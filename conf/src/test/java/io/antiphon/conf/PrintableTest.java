package io.antiphon.conf;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class PrintableTest {
  @Test
  void aValueIsOneShortLineThatLeavesTheTerminalAlone() {
    assertThat(Printable.of("plain ü 文 😀")).isEqualTo("'plain ü 文 😀'");
    assertThat(Printable.of("\u001b[31mred\u0007\r\n\t\u0085\u009b1m"))
        .isEqualTo("'?[31mred??????1m'");
    assertThat(Printable.value("gnp\u202e.exe\u2028\ufeff\ud800")).isEqualTo("gnp?.exe???");
    assertThat(Printable.value("x".repeat(160))).isEqualTo("x".repeat(160));
    assertThat(Printable.value("x".repeat(1 << 20))).isEqualTo("x".repeat(160) + "...");
  }

  @Test
  void doesNotCutACharacterInTwo() {
    assertThat(Printable.value("x".repeat(159) + "😀😀")).isEqualTo("x".repeat(159) + "😀...");
  }

  @Test
  void aMessageKeepsItsLinesButNeitherLongOnesNorThousands() {
    assertThat(Printable.message("one\n\ttwo\r\n\u001bthree\n")).isEqualTo("one\n\ttwo\n?three\n");
    assertThat(Printable.message("")).isEmpty();
    assertThat(Printable.message("y".repeat(3000) + "\nz")).isEqualTo("y".repeat(2000) + "...\nz");
    assertThat(Printable.message("line\n".repeat(100_000)).lines()).hasSize(401);
  }

  @Test
  void aTextStaysWholeButForControlCharacters() {
    String text = "It was\r\n\tnight \u001b]0;title\u0007 😀\n".repeat(1000);
    assertThat(Printable.text(text)).isEqualTo("It was?\n\tnight ?]0;title? 😀\n".repeat(1000));
  }
}
