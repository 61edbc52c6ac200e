package io.antiphon.train;

import io.antiphon.comm.PeerGroup;
import io.antiphon.conf.ConfigException;
import io.antiphon.conf.Problem;
import io.antiphon.conf.Settings;
import io.antiphon.conf.SparkDefaults;
import io.antiphon.cpu.Transport;
import io.antiphon.kernel.CudaBackend;
import io.antiphon.model.Groups;
import java.util.List;
import java.util.Locale;

/**
 * The groups of a rank whose device is a GPU.
 *
 * @param peers the ranks whose memory it reaches; closed with the backend
 */
record CudaGroups(PeerGroup peers, Groups groups) {
  static CudaGroups open(CudaBackend backend, Settings settings, Transport transport) {
    PeerGroup peers;
    try {
      peers = PeerGroup.open(backend, transport, settings.spark().commTimeout());
    } catch (IllegalStateException e) { // the environment of this process will not do
      throw new ConfigException(
          List.of(
              new Problem(
                  "settings",
                  0,
                  "backend.kind",
                  settings.backend().kind().name().toLowerCase(Locale.ROOT),
                  String.valueOf(e.getMessage()),
                  "start through submit/antiphon, which does so; under spark-submit with local"
                      + " masters, export "
                      + SparkDefaults.QUEUES_VARIABLE
                      + "="
                      + SparkDefaults.QUEUES)));
    }
    try {
      return new CudaGroups(
          peers,
          Groups.of(
              transport.rank(),
              transport.ranks(),
              settings.parallelism().expertParallel(),
              members -> peers.collectives(backend.computeLane(), members),
              members -> peers.collectives(backend.transferLane(), members)));
    } catch (RuntimeException | Error failure) {
      // Peers that opened a group with this rank would wait long for it to leave.
      String reason = String.valueOf(failure.getMessage());
      transport.abort(reason);
      peers.abort(reason);
      throw failure;
    }
  }

  /** Ends what waits for other ranks on the device. */
  void abandon(String reason) {
    peers.abort(reason);
  }
}
