package io.antiphon.train;

import io.antiphon.conf.ConfigException;
import io.antiphon.conf.Problem;
import io.antiphon.conf.Settings;
import io.antiphon.cpu.CpuBackend;
import io.antiphon.cpu.Transport;
import io.antiphon.model.Groups;
import io.antiphon.tensor.Backend;
import java.util.List;

/**
 * One rank's device with its groups.
 *
 * @param backend computes
 * @param groups communicate
 */
public record RankDevice(Backend backend, Groups groups) implements AutoCloseable {

  /**
   * Opens the device that {@code settings.backend} names.
   *
   * @throws ConfigException if this build or machine does not have it
   */
  public static RankDevice open(Settings settings, Transport transport) {
    CpuBackend backend =
        switch (settings.backend().kind()) {
          case CPU, AUTO -> CpuBackend.f32(settings.backend().threadsPerRank());
          case CPU_F64 -> CpuBackend.f64();
          case CUDA -> throw noCuda();
        };
    Groups groups =
        Groups.of(
            transport.rank(),
            transport.ranks(),
            settings.parallelism().expertParallel(),
            members -> backend.collectives(transport, members));
    return new RankDevice(backend, groups);
  }

  /**
   * Fails early, before any rank starts, if no rank could open its device.
   *
   * @throws ConfigException if this build does not have the backend
   */
  public static void requireAvailable(Settings settings) {
    if (settings.backend().kind() == io.antiphon.conf.Backend.Kind.CUDA) {
      throw noCuda();
    }
  }

  private static ConfigException noCuda() {
    return new ConfigException(
        List.of(
            new Problem(
                "settings",
                0,
                "backend.kind",
                "cuda",
                "this build of Antiphon computes on the CPU only",
                "set backend.kind to cpu or auto")));
  }

  @Override
  public void close() {
    backend.close();
  }
}
