package io.antiphon.model;

import io.antiphon.cpu.CpuBackend;
import io.antiphon.cpu.Transport;
import io.antiphon.tensor.Backend;
import java.util.function.Supplier;

/** What the ranks of a test compute and communicate with. */
interface TestDevice {
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
