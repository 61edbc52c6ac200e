package io.antiphon.train;

import io.antiphon.comm.EnvironmentException;
import io.antiphon.comm.Interconnect;
import io.antiphon.conf.Backend;
import io.antiphon.conf.ConfigException;
import io.antiphon.conf.Problem;
import io.antiphon.conf.Settings;
import io.antiphon.conf.SparkDefaults;
import io.antiphon.device.DeviceException;
import io.antiphon.kernel.CudaBackend;
import io.antiphon.model.Groups;
import io.antiphon.transport.Transport;
import java.util.List;
import java.util.Locale;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The groups of a rank whose device is a GPU.
 *
 * @param interconnect how it reaches the other ranks; closed with the backend
 */
record CudaGroups(Interconnect interconnect, Groups groups) {
  private static final Logger LOG = LoggerFactory.getLogger(CudaGroups.class);

  /**
   * Joins the other ranks.
   *
   * @param sharing ranks of this process that share the GPU
   * @throws ConfigException if the settings or the environment of this process will not do
   */
  static CudaGroups open(CudaBackend backend, Settings settings, Transport transport, int sharing) {
    boolean nccl = settings.backend().interconnect() == Backend.Interconnect.NCCL;
    Interconnect interconnect;
    try {
      interconnect = Interconnect.open(backend, transport, settings.spark().commTimeout(), nccl);
    } catch (EnvironmentException e) {
      throw problem(
          "backend.kind",
          settings.backend().kind(),
          String.valueOf(e.getMessage()),
          "start through submit/antiphon, which does so; under spark-submit with local"
              + " masters, export "
              + SparkDefaults.QUEUES_VARIABLE
              + "="
              + SparkDefaults.QUEUES);
    } catch (DeviceException e) {
      if (e.sticky()) {
        throw e;
      }
      throw problem(
          "backend.interconnect",
          settings.backend().interconnect(),
          String.valueOf(e.getMessage()),
          "antiphon doctor with the same settings, on the machine of the rank, says what is"
              + " missing");
    }
    try {
      if (interconnect.usesNccl() && sharing > 1) {
        throw problem(
            "backend.interconnect",
            settings.backend().interconnect(),
            sharing + " ranks share a GPU, and NCCL, which this run needs, takes one rank to each",
            "set backend.ranks-per-gpu = 1 and run one rank for each GPU; or run all ranks on one"
                + " host with backend.interconnect = auto");
      }
      if (transport.rank() == 0 && transport.ranks() > 1) {
        LOG.info("ranks reach each other through {}", interconnect);
      }
      return new CudaGroups(
          interconnect,
          Groups.of(
              transport.rank(),
              transport.ranks(),
              settings.parallelism().expertParallel(),
              members -> interconnect.collectives(backend.computeLane(), members),
              members -> interconnect.collectives(backend.transferLane(), members)));
    } catch (RuntimeException | Error failure) {
      // Peers that opened a group with this rank would wait long for it to leave.
      String reason = String.valueOf(failure.getMessage());
      transport.abort(reason);
      interconnect.abort(reason);
      throw failure;
    }
  }

  private static ConfigException problem(
      String key, Enum<?> value, String complaint, String remedy) {
    String word = value.name().toLowerCase(Locale.ROOT);
    return new ConfigException(List.of(new Problem("settings", 0, key, word, complaint, remedy)));
  }

  /** Ends what waits for other ranks on the device. */
  void abandon(String reason) {
    interconnect.abort(reason);
  }
}
