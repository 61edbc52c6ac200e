package io.antiphon.monitor;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

final class WorkProgressTest {
  private final AtomicLong nanos = new AtomicLong();

  @Test
  void aBarShowsShareAndRemainingTimeAndGoesInTheEnd() {
    TestTerminal screen = TestTerminal.of(true, false, false, 80);
    try (WorkProgress progress = WorkProgress.of(screen.terminal(), "samples", 40, nanos::get)) {
      nanos.set(2_000_000_000L);
      progress.done(10);
      assertThat(screen.screen().get(0))
          .isEqualTo("10/40 samples  =======-----------------------  ETA 6.0s");
    }
    assertThat(screen.screen().get(0).strip()).isEmpty();
  }

  @Test
  void withoutATotalItCounts() {
    TestTerminal screen = TestTerminal.of(true, false, false, 80);
    WorkProgress progress = WorkProgress.of(screen.terminal(), "samples", 0, nanos::get);
    progress.done(7);
    assertThat(screen.screen().get(0)).isEqualTo("7 samples");
  }

  @Test
  void aNarrowTerminalHasNoBar() {
    TestTerminal screen = TestTerminal.of(true, false, false, 30);
    WorkProgress.of(screen.terminal(), "samples", 2, nanos::get).done(1);
    assertThat(screen.screen().get(0)).isEqualTo("1/2 samples  ETA 0.0s");
  }

  @Test
  void nothingIsWrittenWhereNothingCanBeRedrawn() {
    TestTerminal file = TestTerminal.plain();
    try (WorkProgress progress = WorkProgress.of(file.terminal(), "samples", 2, nanos::get)) {
      progress.done(1);
      progress.done(2);
    }
    assertThat(file.text()).isEmpty();
  }
}
