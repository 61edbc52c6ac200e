package io.antiphon.comm;

import io.antiphon.transport.Transport;
import io.antiphon.transport.TransportContract;
import java.io.IOException;
import java.time.Duration;
import java.util.List;

/** What the tests with processes of their own exchange messages through. */
class SocketTransportTest extends TransportContract {
  @Override
  protected List<Transport> group(int ranks, Duration timeout) throws IOException {
    return SocketTransport.group(ranks, timeout);
  }
}
