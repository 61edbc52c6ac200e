package io.antiphon.job.transport;

import io.antiphon.tensor.CommException;
import io.antiphon.transport.Transport;
import io.antiphon.transport.TransportInbox;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

/**
 * Transport of one rank whose peers sit in several JVMs: through memory to those in its own, over
 * Spark's network library to the others.
 */
public final class ExecutorTransport implements Transport {
  /** How long a rank that gave up waits until its peers know why. */
  private static final Duration LAST_WORDS = Duration.ofSeconds(5);

  private final ProcessRanks room;
  private final RankPlaces places;
  private final TransportInbox own;
  private final Map<Integer, TransportInbox> neighbours = new HashMap<>();
  private final Map<Integer, RankLink> links = new HashMap<>();
  private boolean closed;

  private ExecutorTransport(ProcessRanks room, RankPlaces places) {
    this.room = room;
    this.places = places;
    this.own = room.inbox(places.rank());
  }

  /**
   * Connects a rank to all others; they need not have come this far.
   *
   * @throws CommException if one cannot be reached; the others then know
   */
  public static ExecutorTransport join(ProcessRanks room, RankPlaces places) {
    ExecutorTransport transport = new ExecutorTransport(room, places);
    try {
      transport.connect();
      return transport;
    } catch (RuntimeException failure) {
      transport.abort(String.valueOf(failure.getMessage()));
      try {
        transport.close();
      } catch (RuntimeException more) {
        failure.addSuppressed(more);
      }
      throw failure;
    }
  }

  private void connect() {
    RankFrame.Hello hello = new RankFrame.Hello(room.attempt(), places.rank());
    Map<UUID, RankLink> byProcess = new HashMap<>();
    for (int peer = 0; peer < places.ranks(); peer++) {
      Placement place = places.byRank().get(peer);
      if (places.isHere(peer)) {
        neighbours.put(peer, room.inbox(peer));
      } else {
        RankLink link = byProcess.get(place.process());
        if (link == null) {
          List<Integer> there = places.ranksOf(place.process());
          String name = (there.size() == 1 ? "rank " : "ranks ") + join(there);
          name += " at " + place.address();
          link =
              RankLink.open(
                  room.server(), place, name, hello, how -> room.disconnected(there, how));
          byProcess.put(place.process(), link);
        }
        links.put(peer, link);
      }
    }
  }

  private static String join(List<Integer> ranks) {
    return String.join(", ", ranks.stream().map(String::valueOf).toList());
  }

  @Override
  public int rank() {
    return places.rank();
  }

  @Override
  public int ranks() {
    return places.ranks();
  }

  @Override
  public void send(int peer, ByteBuffer message) {
    TransportInbox.checkSize(message.remaining());
    own.requireGroup();
    RankLink link = links.get(peer);
    if (link != null) {
      link.send(peer, message, room.timeout());
      return;
    }
    TransportInbox neighbour = neighbours.get(peer);
    if (neighbour == null) {
      throw new IllegalArgumentException("rank " + peer + " is not in [0, " + ranks() + ")");
    }
    neighbour.copy(rank(), message);
  }

  @Override
  public ByteBuffer receive(int peer) {
    return own.take(peer);
  }

  @Override
  public void abort(String reason) {
    own.fail(reason);
    distinctLinks().forEach(link -> link.tell(new RankFrame.Abort(reason)));
    room.fail("rank " + rank() + " gave up: " + reason);
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    Set<RankLink> open = distinctLinks();
    boolean orderly = !own.isLost();
    try {
      if (orderly) {
        open.forEach(link -> link.tell(new RankFrame.Leave()));
      }
      room.finish(rank());
      List<String> behind = behind(open, orderly ? room.timeout() : LAST_WORDS);
      if (orderly) {
        own.requireGroup();
        requireNobody(behind);
      }
    } finally {
      open.forEach(RankLink::close);
    }
  }

  private static List<String> behind(Set<RankLink> open, Duration limit) {
    long end = System.nanoTime() + limit.toNanos();
    List<String> behind = new ArrayList<>();
    for (RankLink link : open) {
      if (!link.awaitTaken(Duration.ofNanos(Math.max(0, end - System.nanoTime())))) {
        behind.add(link.peer());
      }
    }
    return behind;
  }

  private void requireNobody(List<String> behind) {
    if (!behind.isEmpty()) {
      throw new CommException(
          "rank %d: %s did not take everything within %d s"
              .formatted(rank(), String.join(", ", behind), room.timeout().toSeconds()));
    }
  }

  private Set<RankLink> distinctLinks() {
    return new HashSet<>(links.values());
  }
}
