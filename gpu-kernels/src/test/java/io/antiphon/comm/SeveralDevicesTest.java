package io.antiphon.comm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.antiphon.cpu.CpuBackend;
import io.antiphon.cpu.Ranks;
import io.antiphon.cpu.Transport;
import io.antiphon.kernel.CudaBackend;
import io.antiphon.kernel.TestDevices;
import io.antiphon.tensor.Collectives;
import io.antiphon.tensor.CommException;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.StepGraph;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Two ranks with a device each, as threads. */
@Tag("multigpu")
class SeveralDevicesTest {
  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final Duration ABORT_LIMIT = Duration.ofSeconds(10);
  private static final int RANKS = 2;

  /** How ranks reach each other. */
  enum Way {
    PEER_MEMORY,
    NCCL
  }

  private static Interconnect open(Way way, CudaBackend backend, Transport transport) {
    return Interconnect.open(backend, transport, LIMIT, way == Way.NCCL);
  }

  @ParameterizedTest
  @EnumSource
  void everyOperationHasTheBitsOfTheCpu(Way way) {
    List<Map<String, double[]>> found =
        Ranks.run(
            RANKS,
            transport -> {
              try (CudaBackend backend =
                  CudaBackend.open(transport.rank(), DType.F32, TestDevices.kernelCache())) {
                CollectiveScenario scenario =
                    new CollectiveScenario(backend, transport.rank(), RANKS, false, true);
                Interconnect interconnect = open(way, backend, transport);
                assertThat(interconnect.usesNccl()).isEqualTo(way == Way.NCCL);
                Collectives group =
                    interconnect.collectives(backend.computeLane(), Ranks.all(RANKS));
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
            RANKS,
            transport -> {
              try (CpuBackend backend = CpuBackend.f32(1)) {
                CollectiveScenario scenario =
                    new CollectiveScenario(backend, transport.rank(), RANKS, false, true);
                scenario.fill(1);
                scenario.enqueue(backend.collectives(transport, Ranks.all(RANKS)));
                return scenario.read();
              }
            });
    for (int rank = 0; rank < RANKS; rank++) {
      Map<String, double[]> numbers = found.get(rank);
      expected
          .get(rank)
          .forEach((name, values) -> assertThat(numbers.get(name)).as(name).isEqualTo(values));
    }
  }

  /** And the devices live: the same group comes together again. */
  @ParameterizedTest
  @EnumSource
  void waitsForARankThatDoesNotComeEndWhenTheGroupIsGivenUp(Way way) throws Exception {
    CountDownLatch over = new CountDownLatch(1);
    Ranks.run(
        RANKS,
        transport -> {
          try (CudaBackend backend =
              CudaBackend.open(transport.rank(), DType.F32, TestDevices.kernelCache())) {
            Interconnect interconnect = open(way, backend, transport);
            Collectives group = interconnect.collectives(backend.computeLane(), Ranks.all(RANKS));
            CollectiveScenario scenario =
                new CollectiveScenario(backend, transport.rank(), RANKS, false, true);
            scenario.fill(1);
            try (StepGraph graph = backend.record(() -> scenario.enqueue(group))) {
              graph.replay();
              backend.synchronize(LIMIT);
              if (transport.rank() == 0) {
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
            }
            scenario.free();
          }
          return transport.rank();
        });
    everyOperationHasTheBitsOfTheCpu(way);
  }
}
