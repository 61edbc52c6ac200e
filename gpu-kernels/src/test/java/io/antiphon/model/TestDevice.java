package io.antiphon.model;

import io.antiphon.comm.Interconnect;
import io.antiphon.cpu.CpuBackend;
import io.antiphon.kernel.CudaBackend;
import io.antiphon.kernel.TestDevices;
import io.antiphon.tensor.Backend;
import io.antiphon.tensor.DType;
import io.antiphon.transport.Transport;
import java.time.Duration;
import java.util.function.Supplier;

/** What the ranks of a test compute and communicate with. */
interface TestDevice {
  /** How long a rank waits for another on a CUDA device. */
  Duration DEVICE_LIMIT = Duration.ofSeconds(30);

  /** The oracle. */
  TestDevice F64 = cpu(CpuBackend::f64);

  /** The CPU in single precision. */
  TestDevice F32 = cpu(() -> CpuBackend.f32(1));

  /** One rank's device, opened by its thread. */
  Opened open(Transport transport, int expertRanks);

  /** A backend with its groups; closing the backend closes both. */
  record Opened(Backend backend, Groups groups) implements AutoCloseable {
    @Override
    public void close() {
      backend.close();
    }
  }

  /** CUDA device 0, which all ranks share. */
  static TestDevice cuda(DType type) {
    return (transport, expertRanks) -> {
      CudaBackend backend = CudaBackend.open(0, type, TestDevices.kernelCache());
      Interconnect peers = Interconnect.open(backend, transport, DEVICE_LIMIT, false);
      Groups groups =
          Groups.of(
              transport.rank(),
              transport.ranks(),
              expertRanks,
              members -> peers.collectives(backend.computeLane(), members),
              members -> peers.collectives(backend.transferLane(), members));
      return new Opened(backend, groups);
    };
  }

  private static TestDevice cpu(Supplier<CpuBackend> backends) {
    return (transport, expertRanks) -> {
      CpuBackend backend = backends.get();
      Groups groups =
          Groups.of(
              transport.rank(),
              transport.ranks(),
              expertRanks,
              members -> backend.collectives(transport, members));
      return new Opened(backend, groups);
    };
  }
}
