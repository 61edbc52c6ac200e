package io.antiphon.monitor;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

final class StatusLineTest {

  private final TestTerminal terminal = TestTerminal.of(true, true, true, 80);
  private final StatusLine line = new StatusLine(terminal.terminal());

  @Test
  void otherOutputAppearsAboveInWholeLines() {
    PrintStream log = line.above(terminal.terminal().out());
    line.show("status 1");
    log.print("half ");
    assertThat(terminal.screen()).containsExactly("status 1");
    log.print("a line\nand");
    assertThat(terminal.screen()).containsExactly("half a line", "status 1");
    line.show("status 2");
    log.println(" another");
    assertThat(terminal.screen()).containsExactly("half a line", "and another", "status 2");
  }

  @Test
  void aLastLineWithoutEndShowsWhenTheStreamCloses() {
    PrintStream log = line.above(terminal.terminal().out());
    line.show("status");
    log.print("Grüße");
    log.close();
    assertThat(terminal.screen()).containsExactly("Grüße", "status");
    line.hide();
    assertThat(terminal.screen()).containsExactly("Grüße", "");
  }

  @Test
  void aTerminalCutsTheLineInsteadOfWrapping() {
    line.show("status");
    assertThat(terminal.text()).isEqualTo("\u001b[?7lstatus\u001b[?7h");
  }

  @Test
  void manyThreadsTearNothing() throws InterruptedException {
    List<Thread> threads =
        IntStream.range(0, 4)
            .mapToObj(
                number ->
                    new Thread(
                        () -> {
                          PrintStream log = line.above(terminal.terminal().out());
                          for (int i = 0; i < 200; i++) {
                            line.show("status " + i);
                            log.println("thread " + number + " says " + i);
                          }
                        }))
            .toList();
    threads.forEach(Thread::start);
    for (Thread thread : threads) {
      thread.join();
    }
    line.hide();
    List<String> expected = new ArrayList<>();
    for (int number = 0; number < 4; number++) {
      for (int i = 0; i < 200; i++) {
        expected.add("thread " + number + " says " + i);
      }
    }
    expected.add("");
    assertThat(terminal.screen()).containsExactlyInAnyOrderElementsOf(expected);
  }
}
