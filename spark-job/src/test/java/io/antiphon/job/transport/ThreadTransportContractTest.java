package io.antiphon.job.transport;

import io.antiphon.cpu.ThreadTransport;
import io.antiphon.cpu.Transport;
import java.time.Duration;
import java.util.List;

/** Ranks as threads of one JVM. */
class ThreadTransportContractTest extends TransportContract {
  @Override
  List<Transport> group(int ranks, Duration timeout) {
    return ThreadTransport.group(ranks, timeout);
  }
}
