package io.antiphon.job.barrier;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class CancelledRankTest {
  private static final Duration SOON = Duration.ofMillis(50);

  @Test
  void aRankThatHangsIsShown() throws Exception {
    BlockingQueue<String> log = new LinkedBlockingQueue<>();
    CountDownLatch release = new CountDownLatch(1);
    CountDownLatch waits = new CountDownLatch(1);
    Thread thread =
        new Thread(
            () -> {
              CancelledRank rank = new CancelledRank(3, log::add, resort(log), SOON);
              rank.watch();
              waits.countDown();
              hang(release);
              rank.end();
            });
    thread.start();
    waits.await();

    String said = log.poll(30, TimeUnit.SECONDS);

    assertThat(said)
        .startsWith("rank 3 has not ended 0.05 s after its cancellation; its thread is ")
        .contains("CancelledRankTest.hang(");
    assertThat(log.poll(30, TimeUnit.SECONDS)).isEqualTo("armed");
    release.countDown();
    thread.join();
    assertThat(log).containsExactly("disarmed");
  }

  @Test
  void aRankThatEndsIsNot() throws Exception {
    BlockingQueue<String> log = new LinkedBlockingQueue<>();
    CancelledRank ended = new CancelledRank(1, log::add, resort(log), SOON);
    ended.end();
    ended.watch();
    // One that hangs is looked at later than the first: its line is the only one.
    CancelledRank hangs = new CancelledRank(2, log::add, resort(log), SOON.multipliedBy(4));
    hangs.watch();

    assertThat(log.poll(30, TimeUnit.SECONDS)).startsWith("rank 2 ");
    assertThat(log.poll(30, TimeUnit.SECONDS)).isEqualTo("armed");
    assertThat(log).isEmpty();
  }

  private static Supplier<Runnable> resort(BlockingQueue<String> log) {
    return () -> {
      log.add("armed");
      return () -> log.add("disarmed");
    };
  }

  private static void hang(CountDownLatch release) {
    try {
      release.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
