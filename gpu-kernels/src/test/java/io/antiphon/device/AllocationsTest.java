package io.antiphon.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Blocks that nobody gives back, on a device that is not there. */
@Timeout(120)
class AllocationsTest {
  private static final Duration LONG = Duration.ofSeconds(60);

  private final BlockingQueue<String> told = new LinkedBlockingQueue<>();
  private final Allocations traced = new Allocations("device 7", true, told::add);
  private final Allocations plain = new Allocations("device 7", false, told::add);

  @Test
  void whatWasGivenBackIsNoLeak() {
    Object owner = new Object();
    Allocations.Entry first = traced.add(owner, "weights", 1024);
    Allocations.Entry second = traced.add(owner, "moments", 2048);
    first.settle();
    second.settle();

    traced.tellOfLeaks();

    assertThat(told).isEmpty();
  }

  @Test
  void aLeakIsToldWithItsNumberBytesPurposeAndPlace() {
    Object owner = new Object();
    traced.add(owner, "weights", 1024).settle();
    traced.add(owner, "moments", 2048);

    traced.tellOfLeaks();
    traced.tellOfLeaks(); // once is enough

    assertThat(told).hasSize(1);
    assertThat(told.remove())
        .startsWith("device 7 was given back with 2048 bytes in 1 blocks")
        .contains("block 2, 2048 bytes for moments, allocated")
        .contains("AllocationsTest.aLeakIsToldWithItsNumberBytesPurposeAndPlace");
    assertThat(owner).isNotNull();
  }

  @Test
  void withoutStacksTheReportSaysHowToGetThem() {
    Object owner = new Object();
    plain.add(owner, "weights", 512);

    plain.tellOfLeaks();

    assertThat(told.remove())
        .contains("block 1, 512 bytes for weights (run java with -ea to see where")
        .doesNotContain("AllocationsTest");
    assertThat(owner).isNotNull();
  }

  @Test
  void aForgottenBlockIsToldWhenItsOwnerIsCollected() throws InterruptedException {
    forget();

    String report = collect();

    assertThat(report)
        .startsWith("device 7: nobody closed block 1, 4096 bytes for a lost buffer, allocated")
        .contains("AllocationsTest.forget");
    traced.tellOfLeaks();
    assertThat(told).isEmpty();
  }

  private void forget() {
    traced.add(new Object(), "a lost buffer", 4096);
    traced.add(new Object(), "a closed buffer", 4096).settle();
  }

  private @Nullable String collect() throws InterruptedException {
    long deadline = System.nanoTime() + LONG.toNanos();
    String report = null;
    while (report == null && System.nanoTime() < deadline) {
      System.gc();
      report = told.poll(50, TimeUnit.MILLISECONDS);
    }
    return report;
  }
}
