package io.antiphon.comm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.antiphon.cpu.CpuBackend;
import io.antiphon.device.Cuda;
import io.antiphon.kernel.CudaBackend;
import io.antiphon.kernel.TestDevices;
import io.antiphon.tensor.Collectives;
import io.antiphon.tensor.CommException;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.StepGraph;
import io.antiphon.transport.Ranks;
import io.antiphon.transport.Transport;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Ranks with a device each, as threads: two, and four and eight on a machine that has as many. */
@Tag("multigpu")
class SeveralDevicesTest {
  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final Duration ABORT_LIMIT = Duration.ofSeconds(10);

  /** How ranks reach each other. */
  enum Way {
    PEER_MEMORY,
    NCCL
  }

  static List<Arguments> groups() {
    int devices = Cuda.devices();
    assertThat(devices).as("devices, of which two are needed").isGreaterThanOrEqualTo(2);
    return IntStream.of(2, 4, 8)
        .filter(ranks -> ranks <= devices)
        .boxed()
        .flatMap(ranks -> Stream.of(Way.values()).map(way -> Arguments.of(way, ranks)))
        .toList();
  }

  private static Interconnect open(
      Way way, CudaBackend backend, Transport transport, Duration limit) {
    return Interconnect.open(backend, transport, limit, way == Way.NCCL);
  }

  @ParameterizedTest
  @MethodSource("groups")
  void everyOperationHasTheBitsOfTheCpu(Way way, int ranks) {
    List<Map<String, double[]>> found =
        Ranks.run(
            ranks,
            transport -> {
              try (CudaBackend backend =
                  CudaBackend.open(transport.rank(), DType.F32, TestDevices.kernelCache())) {
                CollectiveScenario scenario =
                    new CollectiveScenario(backend, transport.rank(), ranks, false, true);
                Interconnect interconnect = open(way, backend, transport, LIMIT);
                assertThat(interconnect.usesNccl()).isEqualTo(way == Way.NCCL);
                Collectives group =
                    interconnect.collectives(backend.computeLane(), Ranks.all(ranks));
                try (StepGraph graph = backend.record(() -> scenario.enqueue(group))) {
                  for (int replay = 0; replay < 3; replay++) {
                    scenario.fill(1);
                    graph.replay();
                    backend.synchronize(LIMIT);
                  }
                }
                return scenario.read();
              }
            });
    List<Map<String, double[]>> expected =
        Ranks.run(
            ranks,
            transport -> {
              try (CpuBackend backend = CpuBackend.f32(1)) {
                CollectiveScenario scenario =
                    new CollectiveScenario(backend, transport.rank(), ranks, false, true);
                scenario.fill(1);
                scenario.enqueue(backend.collectives(transport, Ranks.all(ranks)));
                return scenario.read();
              }
            });
    for (int rank = 0; rank < ranks; rank++) {
      Map<String, double[]> numbers = found.get(rank);
      expected
          .get(rank)
          .forEach((name, values) -> assertThat(numbers.get(name)).as(name).isEqualTo(values));
    }
  }

  /** The devices live on: the same group comes together again. */
  @ParameterizedTest
  @MethodSource("groups")
  void waitsForARankThatDoesNotComeEndWhenTheGroupIsGivenUp(Way way, int ranks) {
    CountDownLatch over = new CountDownLatch(1);
    afterOneReplay(
        way,
        ranks,
        LIMIT,
        (rank, backend, interconnect, graph) -> {
          if (rank == 0) {
            graph.replay();
            assertThat(backend.drain(Duration.ofSeconds(1))).isFalse();
            interconnect.abort("the test wants it");
            assertThatThrownBy(() -> backend.synchronize(LIMIT))
                .isInstanceOf(CommException.class)
                .hasMessageContaining("the test wants it");
            assertThat(backend.drain(ABORT_LIMIT)).isTrue();
            over.countDown();
          } else {
            assertThat(over.await(LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
            interconnect.abort("the other one left");
          }
        });
    everyOperationHasTheBitsOfTheCpu(way, ranks);
  }

  @ParameterizedTest
  @MethodSource("groups")
  void waitsForARankThatDoesNotComeEndAfterTheLimit(Way way, int ranks) {
    Duration patience = Duration.ofSeconds(3);
    CountDownLatch over = new CountDownLatch(ranks - 1);
    afterOneReplay(
        way,
        ranks,
        patience,
        (rank, backend, interconnect, graph) -> {
          if (rank < ranks - 1) {
            graph.replay();
            long start = System.nanoTime();
            assertThatThrownBy(() -> backend.synchronize(LIMIT))
                .isInstanceOf(CommException.class)
                .hasMessageContaining("waited");
            assertThat(Duration.ofNanos(System.nanoTime() - start))
                .isBetween(patience.minusSeconds(1), patience.plus(ABORT_LIMIT));
            assertThat(backend.drain(ABORT_LIMIT)).isTrue();
            over.countDown();
          } else {
            assertThat(over.await(LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
            interconnect.abort("the others left");
          }
        });
  }

  /** What a rank does with a graph of every operation that all have replayed once. */
  private interface Scene {
    void play(int rank, CudaBackend backend, Interconnect interconnect, StepGraph graph)
        throws InterruptedException;
  }

  private static void afterOneReplay(Way way, int ranks, Duration patience, Scene scene) {
    Ranks.run(
        ranks,
        transport -> {
          int rank = transport.rank();
          try (CudaBackend backend = CudaBackend.open(rank, DType.F32, TestDevices.kernelCache())) {
            Interconnect interconnect = open(way, backend, transport, patience);
            Collectives group = interconnect.collectives(backend.computeLane(), Ranks.all(ranks));
            CollectiveScenario scenario = new CollectiveScenario(backend, rank, ranks, false, true);
            scenario.fill(1);
            try (StepGraph graph = backend.record(() -> scenario.enqueue(group))) {
              graph.replay();
              backend.synchronize(LIMIT);
              scene.play(rank, backend, interconnect, graph);
            }
            scenario.free();
          }
          return rank;
        });
  }
}
