package io.antiphon.monitor;

import static org.assertj.core.api.Assertions.assertThat;

import io.antiphon.train.report.EvaluationMetrics;
import io.antiphon.train.report.RunEvent;
import io.antiphon.train.report.RunSummary;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

final class ProgressBarTest {

  private final AtomicLong nanos = new AtomicLong();

  private ProgressBar bar(TestTerminal terminal) {
    return new ProgressBar(
        terminal.terminal(),
        new StatusLine(terminal.terminal()),
        () -> nanos.addAndGet(1_000_000_000));
  }

  private List<String> after(TestTerminal terminal, long steps) {
    ProgressBar bar = bar(terminal);
    bar.started(TestRun.info(0));
    for (long step = 1; step <= steps; step++) {
      bar.step(TestRun.step(step));
    }
    return terminal.screen();
  }

  @Test
  void showsStepLossThroughputLoadClonesAndTimeLeft() {
    assertThat(after(TestTerminal.of(true, true, true, 120), 5))
        .containsExactly(
            "tiny: 10 steps on 2 ranks (cpu), 2 layers, 4 experts top-2, ECHO bin-packing",
            "5/10  \u2501\u2501\u2501\u2501\u2501\u2501\u2501\u2501\u2501\u2501\u2501\u2501\u2501"
                + "\u2501\u2501\u2500\u2500\u2500\u2500\u2500\u2500\u2500\u2500\u2500\u2500\u2500"
                + "\u2500\u2500\u2500\u2500  loss 2.0000  64 tokens/s  load 1.25\u21921.00"
                + "  clones 1  ETA 2.5s");
  }

  @Test
  void sendsNoEscapeAndNoUnicodeWhereTheyAreUnwelcome() {
    TestTerminal terminal = TestTerminal.of(true, false, false, 120);
    List<String> screen = after(terminal, 5);
    assertThat(terminal.text()).doesNotContain("\u001b").matches("\\p{ASCII}*");
    assertThat(screen.get(1)).startsWith("5/10  ===============---------------  loss 2.0000");
  }

  @Test
  void neverIsWiderThanTheTerminal() {
    for (int columns = 1; columns < 130; columns++) {
      List<String> screen = after(TestTerminal.of(true, true, true, columns), 5);
      assertThat(screen.get(1).length()).as("%d columns", columns).isLessThan(Math.max(2, columns));
      if (columns > 30) {
        assertThat(screen.get(1)).as("%d columns", columns).startsWith("5/10").contains("ETA");
      }
    }
  }

  @Test
  void aShorterLineLeavesNothingOfALongerOne() {
    for (boolean escapes : new boolean[] {true, false}) {
      TestTerminal terminal = TestTerminal.of(true, escapes, true, 120);
      ProgressBar bar = bar(terminal);
      bar.started(TestRun.info(0));
      bar.step(TestRun.step(1, 12345.0, 100, 1.25, 1, 1000));
      bar.step(TestRun.step(2, 1.0, 0.1, 1.25, 1, 1));
      assertThat(terminal.screen().get(1)).endsWith("s").doesNotContain("12345", "1000");
    }
  }

  @Test
  void newsStayAboveTheBarAndCheckpointsDoNotShow() {
    TestTerminal terminal = TestTerminal.of(true, true, true, 120);
    ProgressBar bar = bar(terminal);
    bar.started(TestRun.info(0));
    bar.step(TestRun.step(1));
    bar.evaluated(new EvaluationMetrics(1, 2.0, 100));
    bar.event(new RunEvent(RunEvent.Kind.CHECKPOINT, 1, ""));
    bar.event(new RunEvent(RunEvent.Kind.RERUN, 1, "more rows"));
    bar.step(TestRun.step(2));
    assertThat(terminal.screen().subList(1, 3))
        .containsExactly(
            "step 1: validation loss 2.0000 (1.4427 bits/byte; bigram 1.8034 bits/byte)",
            "step 1: rerun: more rows");
    assertThat(terminal.screen().get(3)).startsWith("2/10");
  }

  @Test
  void theEndReplacesTheBar() {
    TestTerminal terminal = TestTerminal.of(true, true, true, 120);
    ProgressBar bar = bar(terminal);
    bar.started(TestRun.info(0));
    bar.step(TestRun.step(1));
    bar.finished(RunSummary.Outcome.INTERRUPTED, "Ctrl-C");
    assertThat(terminal.screen().subList(1, 3))
        .containsExactly("interrupted at step 1 after 2.0s: Ctrl-C", "");
  }

  @Test
  void drawsAtMostTenTimesASecondButAlwaysTheLastStep() {
    TestTerminal terminal = TestTerminal.of(true, true, true, 120);
    ProgressBar bar =
        new ProgressBar(terminal.terminal(), new StatusLine(terminal.terminal()), nanos::get);
    bar.started(TestRun.info(0));
    for (long step = 1; step <= 9; step++) {
      nanos.addAndGet(30_000_000);
      bar.step(TestRun.step(step));
    }
    assertThat(terminal.text().split("loss", -1)).hasSize(1 + 3); // at 30, 150 and 270 ms
    bar.step(TestRun.step(10));
    assertThat(terminal.screen().get(1)).startsWith("10/10");
  }
}
