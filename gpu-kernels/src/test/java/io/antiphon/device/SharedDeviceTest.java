package io.antiphon.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class SharedDeviceTest {
  private static final Duration LONG = Duration.ofSeconds(60);
  private static final Duration SHORT = Duration.ofMillis(20);

  private final SharedDevice device = new SharedDevice();

  @Test
  void isIdleOnceEachStreamWasSeenWithoutWork() {
    AtomicInteger first = new AtomicInteger();
    AtomicInteger second = new AtomicInteger();
    device.add("first", () -> first.incrementAndGet() == 1); // busy again at once
    device.add("second", () -> second.incrementAndGet() == 3);

    assertThat(device.awaitIdle(LONG)).isTrue();
    assertThat(first.get()).isEqualTo(1);
    assertThat(second.get()).isEqualTo(3);
  }

  @Test
  void aStreamThatNeverEndsIsWaitedForNoLongerThanTheLimit() {
    device.add("endless", () -> false);

    assertThat(device.awaitIdle(SHORT)).isFalse();
    assertThat(device.loss()).isEmpty();

    device.remove("endless");
    assertThat(device.awaitIdle(SHORT)).isTrue();
  }

  @Test
  void anInterruptSaysNothingAboutTheDevice() {
    AtomicInteger asked = new AtomicInteger();
    device.add("slow", () -> asked.incrementAndGet() == 3);

    Thread.currentThread().interrupt();

    assertThat(device.awaitIdle(LONG)).isTrue();
    assertThat(Thread.interrupted()).isTrue();
  }

  @Test
  void aLossEndsTheWaitAndItsFirstReasonCounts() {
    device.add("endless", () -> false);
    CompletableFuture<Boolean> idle =
        CompletableFuture.supplyAsync(() -> device.awaitIdle(LONG.multipliedBy(10)));

    device.lose("a kernel faulted");
    device.lose("something else");

    assertThat(idle.orTimeout(LONG.toSeconds(), TimeUnit.SECONDS).join()).isFalse();
    assertThat(device.loss()).contains("a kernel faulted");
    assertThat(device.awaitIdle(SHORT)).isFalse();
  }

  @Test
  void aStreamMayLoseTheDeviceWhileItIsAsked() {
    device.add(
        "faulty",
        () -> {
          device.lose("a kernel faulted");
          return false;
        });

    assertThat(device.awaitIdle(LONG)).isFalse();
  }
}
