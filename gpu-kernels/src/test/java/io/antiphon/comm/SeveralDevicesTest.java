package io.antiphon.comm;

import static org.assertj.core.api.Assertions.assertThat;

import io.antiphon.cpu.CpuBackend;
import io.antiphon.cpu.Ranks;
import io.antiphon.cpu.Transport;
import io.antiphon.kernel.CudaBackend;
import io.antiphon.kernel.TestDevices;
import io.antiphon.tensor.Collectives;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.StepGraph;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Two ranks with a device each, as threads. */
@Tag("multigpu")
class SeveralDevicesTest {
  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final int RANKS = 2;

  /** How ranks reach each other. */
  enum Way {
    PEER_MEMORY,
    NCCL
  }

  private static Collectives open(Way way, CudaBackend backend, Transport transport) {
    int[] members = Ranks.all(RANKS);
    return way == Way.NCCL
        ? NcclGroup.open(backend, transport).collectives(backend.computeLane(), members)
        : PeerGroup.open(backend, transport, LIMIT).collectives(backend.computeLane(), members);
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
                Collectives group = open(way, backend, transport);
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
}
