package io.antiphon.monitor;

import static org.assertj.core.api.Assertions.assertThat;

import io.antiphon.train.report.RunEvent;
import io.antiphon.train.report.RunSummary;
import org.junit.jupiter.api.Test;

final class ProgressLinesTest {

  @Test
  void printsTheFirstEveryNthAndTheLastStep() {
    TestTerminal terminal = TestTerminal.plain();
    ProgressLines lines = new ProgressLines(terminal.terminal(), 4, () -> 0);
    lines.started(TestRun.info(0));
    for (long step = 1; step <= 10; step++) {
      lines.step(TestRun.step(step));
    }
    lines.event(new RunEvent(RunEvent.Kind.CHECKPOINT, 10, ""));
    lines.finished(RunSummary.Outcome.COMPLETED, "");
    String step =
        "loss 2.0000 (1.4427 bits/byte)  64 tokens/s  load 1.25->1.00  clones 1  lr 3.00e-03"
            + "  grad 1.500  ETA ";
    assertThat(terminal.text().lines())
        .containsExactly(
            "tiny: 10 steps on 2 ranks (cpu), 2 layers, 4 experts top-2, ECHO bin-packing",
            "step  1/10  " + step + "4.5s",
            "step  4/10  " + step + "3.0s",
            "step  8/10  " + step + "1.0s",
            "step 10/10  " + step + "0.0s",
            "step 10: checkpoint",
            "completed at step 10 after 0.0s");
    assertThat(terminal.text()).doesNotContain("\r", "\u001b");
  }

  @Test
  void aResumedRunSaysWhereItContinues() {
    TestTerminal terminal = TestTerminal.plain();
    ProgressLines lines = new ProgressLines(terminal.terminal(), 100, () -> 0);
    lines.started(TestRun.info(6));
    lines.step(TestRun.step(7));
    assertThat(terminal.text()).contains("10 steps from step 6", "step  7/10");
  }
}
