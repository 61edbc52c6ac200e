package io.antiphon.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntSupplier;
import org.junit.jupiter.api.Test;

class ReleasesTest {
  private static final Duration LONG = Duration.ofSeconds(60);
  private static final Duration SHORT = Duration.ofMillis(20);

  private final SharedDevice shared = new SharedDevice();
  private final Releases releases = new Releases(shared, new CudaCalls(), "device 7");
  private final List<String> released = new ArrayList<>();

  private IntSupplier releasing(String what) {
    return () -> {
      released.add(what);
      return 0;
    };
  }

  @Test
  void givesBackAtOnceWhatIsNotSuspect() {
    releases.memory("cuMemFree", releasing("memory"), "free memory");
    releases.now("cuEventDestroy", releasing("event"), "destroy an event");

    assertThat(released).containsExactly("memory", "event");
    assertThat(releases.isSuspect()).isFalse();
  }

  @Test
  void keepsMemoryWhileWorkMayNeverEnd() {
    AtomicInteger asked = new AtomicInteger();
    shared.add("stream", () -> asked.incrementAndGet() >= 3);
    releases.suspect();
    releases.memory("cuMemFree", releasing("memory"), "free memory");
    releases.now("cuEventDestroy", releasing("event"), "destroy an event");
    assertThat(released).containsExactly("event");

    assertThat(releases.settle(LONG)).isTrue();

    assertThat(released).containsExactly("event", "memory");
    releases.memory("cuMemFree", releasing("more"), "free memory");
    assertThat(released).contains("more");
  }

  @Test
  void keepsEverythingOnceWorkHasNotEnded() {
    shared.add("stream", () -> false);
    releases.suspect();
    releases.memory("cuMemFree", releasing("memory"), "free memory");

    assertThat(releases.settle(SHORT)).isFalse();

    assertThat(shared.loss()).contains("work on device 7 has not ended after 0 s");
    releases.now("cuEventDestroy", releasing("event"), "destroy an event");
    releases.memory("cuMemFree", releasing("more"), "free memory");
    assertThat(released).isEmpty();
  }
}
