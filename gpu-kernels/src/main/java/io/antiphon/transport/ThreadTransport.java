package io.antiphon.transport;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Transport between the threads of one process: one copy per message, no sockets. */
public final class ThreadTransport implements Transport {
  private final int rank;
  private final List<TransportInbox> inboxes;

  private ThreadTransport(int rank, List<TransportInbox> inboxes) {
    this.rank = rank;
    this.inboxes = inboxes;
  }

  /**
   * Transports of a new group, one per rank in rank order.
   *
   * @param timeout how long {@link #receive} waits for a message
   */
  public static List<Transport> group(int ranks, Duration timeout) {
    List<TransportInbox> inboxes = new ArrayList<>();
    for (int rank = 0; rank < ranks; rank++) {
      inboxes.add(new TransportInbox(rank, ranks, timeout));
    }
    List<Transport> group = new ArrayList<>();
    for (int rank = 0; rank < ranks; rank++) {
      group.add(new ThreadTransport(rank, List.copyOf(inboxes)));
    }
    return List.copyOf(group);
  }

  @Override
  public int rank() {
    return rank;
  }

  @Override
  public int ranks() {
    return inboxes.size();
  }

  @Override
  public void send(int peer, ByteBuffer message) {
    TransportInbox.checkSize(message.remaining());
    inboxes.get(rank).requireGroup();
    inboxes.get(peer).copy(rank, message);
  }

  @Override
  public ByteBuffer receive(int peer) {
    return inboxes.get(rank).take(peer);
  }

  @Override
  public void abort(String reason) {
    inboxes.get(rank).fail(reason);
    for (TransportInbox inbox : inboxes) {
      inbox.fail("rank " + rank + " gave up: " + reason);
    }
  }

  @Override
  public void close() {
    for (TransportInbox inbox : inboxes) {
      inbox.finish(rank);
    }
  }
}
