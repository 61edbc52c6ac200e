package io.antiphon.job.barrier;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ApplicationWatchTest {
  private final CountDownLatch never = new CountDownLatch(1);

  @Test
  void theResultComesBack() throws Exception {
    assertThat(ApplicationWatch.call(() -> false, () -> 7, () -> {})).isEqualTo(7);
  }

  @Test
  void theFailureComesBackAsItIs() {
    IOException failure = new IOException("no");
    assertThatThrownBy(
            () ->
                ApplicationWatch.call(
                    () -> true,
                    () -> {
                      throw failure;
                    },
                    () -> {}))
        .isSameAs(failure);
  }

  @Test
  void theEndOfTheApplicationEndsTheWait() {
    AtomicInteger periods = new AtomicInteger();
    assertThatThrownBy(
            () ->
                ApplicationWatch.call(
                    () -> periods.get() > 1,
                    () -> {
                      never.await();
                      return 0;
                    },
                    periods::incrementAndGet))
        .isInstanceOf(ApplicationWatch.ApplicationLost.class)
        .hasMessageContaining("Spark ended the application");
    assertThat(periods).hasValue(2);
  }
}
