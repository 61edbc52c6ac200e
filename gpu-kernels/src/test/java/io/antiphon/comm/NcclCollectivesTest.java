package io.antiphon.comm;

import static org.assertj.core.api.Assertions.assertThat;

import io.antiphon.cpu.CpuBackend;
import io.antiphon.kernel.CudaBackend;
import io.antiphon.kernel.CudaStorage;
import io.antiphon.kernel.TestDevices;
import io.antiphon.tensor.Collectives;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.HostValues;
import io.antiphon.tensor.Shape;
import io.antiphon.tensor.StepGraph;
import io.antiphon.tensor.Tensor;
import io.antiphon.transport.Members;
import io.antiphon.transport.ThreadTransport;
import io.antiphon.transport.Transport;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** NCCL with the one rank that one device allows. */
@Tag("gpu")
class NcclCollectivesTest {
  private static final Duration LIMIT = Duration.ofSeconds(20);

  private static Transport alone() {
    return ThreadTransport.group(1, LIMIT).get(0);
  }

  @Test
  void oneRankHasTheBitsOfTheCpu() {
    Map<String, double[]> expected;
    try (CpuBackend cpu = CpuBackend.f32(1)) {
      CollectiveScenario oracle = new CollectiveScenario(cpu, 0, 1, false);
      oracle.fill(1);
      oracle.enqueue(cpu.collectives(alone(), 0));
      expected = oracle.read();
    }
    try (CudaBackend backend = CudaBackend.open(0, DType.F32, TestDevices.kernelCache())) {
      NcclGroup nccl = NcclGroup.open(backend, alone(), LIMIT, new EnqueuedWork(backend, 0));
      CollectiveScenario scenario = new CollectiveScenario(backend, 0, 1, false);
      Collectives group = nccl.collectives(backend.computeLane(), 0);
      try (StepGraph graph = backend.record(() -> scenario.enqueue(group))) {
        for (int replay = 0; replay < 2; replay++) {
          scenario.fill(1);
          graph.replay();
          backend.synchronize(LIMIT);
          Map<String, double[]> found = scenario.read();
          expected.forEach(
              (name, values) -> assertThat(found.get(name)).as(name).isEqualTo(values));
        }
      }
    }
  }

  @Test
  void bytesGoThroughTheLibrary() {
    try (CudaBackend backend = CudaBackend.open(0, DType.F32, TestDevices.kernelCache())) {
      HostValues values = new HostValues(backend.hostIo());
      NcclCommunicator communicator =
          new NcclCommunicator(backend.device(), Members.world(alone()));
      Tensor from = tensor(backend);
      Tensor gathered = tensor(backend);
      Tensor exchanged = tensor(backend);
      values.write(from, 3, 1, 4);
      long address = CudaStorage.address(from);
      communicator.allGather(
          backend.computeLane().stream(), address, CudaStorage.address(gathered), 12);
      communicator.allToAll(
          backend.computeLane().stream(), address, CudaStorage.address(exchanged), 12);
      assertThat(values.doubles(gathered)).containsExactly(3, 1, 4);
      assertThat(values.doubles(exchanged)).containsExactly(3, 1, 4);
      communicator.requireHealthy();
      communicator.destroy();
    }
  }

  private static Tensor tensor(CudaBackend backend) {
    return Tensor.of(backend.allocate("test", DType.F32, 3), Shape.of(3));
  }
}
