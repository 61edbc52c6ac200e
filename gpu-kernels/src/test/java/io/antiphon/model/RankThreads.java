package io.antiphon.model;

import io.antiphon.tensor.Backend;
import io.antiphon.transport.Ranks;
import java.util.List;

/** Runs the ranks of a world, each on a device of its own, as threads of the test. */
final class RankThreads {
  private RankThreads() {}

  /** What one rank does. */
  interface RankBody<R> {
    R run(Backend backend, Groups groups) throws InterruptedException;
  }

  /** Runs {@code body} on every rank and returns the results by rank; a failure is thrown. */
  static <R> List<R> run(int ranks, int expertRanks, TestDevice device, RankBody<R> body) {
    return Ranks.run(
        ranks,
        transport -> {
          try (TestDevice.Opened opened = device.open(transport, expertRanks)) {
            return body.run(opened.backend(), opened.groups());
          }
        });
  }
}
