package io.antiphon.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import jcuda.driver.CUresult;
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

    device.observe(CUresult.CUDA_ERROR_ILLEGAL_ADDRESS, () -> "a kernel faulted");
    device.observe(CUresult.CUDA_ERROR_LAUNCH_FAILED, () -> "something else");

    assertThat(idle.orTimeout(LONG.toSeconds(), TimeUnit.SECONDS).join()).isFalse();
    assertThat(device.loss()).contains("a kernel faulted");
    assertThat(device.awaitIdle(SHORT)).isFalse();
  }

  @Test
  void aStreamMayLoseTheDeviceWhileItIsAsked() {
    device.add(
        "faulty",
        () -> {
          device.observe(CUresult.CUDA_ERROR_ILLEGAL_ADDRESS, () -> "a kernel faulted");
          return false;
        });

    assertThat(device.awaitIdle(LONG)).isFalse();
  }

  @Test
  void errorsThatPassLoseNothing() {
    for (int error :
        List.of(
            CUresult.CUDA_SUCCESS,
            CUresult.CUDA_ERROR_OUT_OF_MEMORY,
            CUresult.CUDA_ERROR_NOT_READY,
            CUresult.CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED)) {
      device.observe(error, () -> "error " + error);
    }
    assertThat(device.loss()).isEmpty();
  }

  @Test
  void workThatDoesNotEndInItsTimeLosesTheDevice() {
    device.add("endless", () -> false);

    device.settle(SHORT, "device 3");

    assertThat(device.loss()).contains("work on device 3 has not ended after 0 s");
  }

  @Test
  void whatACallOfAnyRankShowsIsKnownToAll() {
    CudaCalls calls = new CudaCalls();
    calls.showTo(device);

    assertThatThrownBy(() -> calls.check("cuEventQuery", 2, "allocate"))
        .isInstanceOf(DeviceException.class);
    assertThat(device.loss()).isEmpty();
    assertThatThrownBy(() -> calls.check("cuEventQuery", 719, "ask whether earlier work is done"))
        .isInstanceOfSatisfying(DeviceException.class, e -> assertThat(e.sticky()).isTrue());
    assertThat(device.loss())
        .get()
        .asString()
        .startsWith("cuEventQuery failed, CUDA_ERROR_LAUNCH_FAILED (719)");
  }
}
