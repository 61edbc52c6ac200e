package io.antiphon.monitor;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class TerminalTest {

  private static Terminal of(boolean terminal, Map<String, String> environment) {
    PrintStream out = new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8);
    return Terminal.of(out, terminal, environment);
  }

  @Test
  void aCapableTerminalRedrawsWithEscapes() {
    Terminal terminal = of(true, Map.of("TERM", "xterm", "LANG", "en_US.UTF-8", "COLUMNS", "132"));
    assertThat(terminal.redraws()).isTrue();
    assertThat(terminal.escapes()).isTrue();
    assertThat(terminal.unicode()).isTrue();
    assertThat(terminal.columns().getAsInt()).isEqualTo(132);
  }

  @Test
  void aDumbTerminalOrNoneDoesNotRedraw() {
    assertThat(of(true, Map.of("TERM", "dumb")).redraws()).isFalse();
    assertThat(of(true, Map.of()).escapes()).isFalse();
    assertThat(of(false, Map.of("TERM", "xterm")).redraws()).isFalse();
    assertThat(of(false, Map.of("TERM", "xterm")).escapes()).isFalse();
  }

  @Test
  void noColorForbidsEscapesOnly() {
    Terminal terminal = of(true, Map.of("TERM", "xterm", "NO_COLOR", "1"));
    assertThat(terminal.redraws()).isTrue();
    assertThat(terminal.escapes()).isFalse();
    assertThat(of(true, Map.of("TERM", "xterm", "NO_COLOR", "")).escapes()).isTrue();
  }

  @Test
  void theFirstLocaleVariableThatIsSetDecides() {
    assertThat(of(true, Map.of("LC_ALL", "C", "LANG", "de_DE.UTF-8")).unicode()).isFalse();
    assertThat(of(true, Map.of("LC_ALL", "", "LC_CTYPE", "C.utf8")).unicode()).isTrue();
    assertThat(of(true, Map.of()).unicode()).isFalse();
  }

  @Test
  void aWidthThatIsNoNumberIsTheUsualOne() {
    for (String columns : new String[] {"", "0", "-5", "wide", "123456789012"}) {
      assertThat(of(true, Map.of("COLUMNS", columns)).columns().getAsInt()).isEqualTo(80);
    }
  }
}
