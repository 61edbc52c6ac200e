package io.antiphon.job.transport;

import io.antiphon.transport.TransportInbox;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What the ranks of one attempt that run in the same JVM share: their inboxes, the server that
 * fills them from outside, and the news that the group is lost. A rank enters before the rendezvous
 * and closes it when its task ends. A peer may be faster than a rank of this JVM, so an inbox may
 * fill before its owner knows its number.
 */
public final class ProcessRanks implements AutoCloseable {
  private static final UUID PROCESS = UUID.randomUUID();
  private static final Map<UUID, ProcessRanks> ATTEMPTS = new HashMap<>();

  private final UUID attempt;
  private final int ranks;
  private final Duration timeout;
  private final Placement placement;
  private final Optional<RankServer> server;
  private final Map<Integer, TransportInbox> inboxes = new HashMap<>();
  private final Set<Integer> finished = new HashSet<>();
  private @Nullable String lost;
  private int members = 1;

  /**
   * A room of its own, as if it were in another JVM.
   *
   * @param wire how to listen for other JVMs; empty if all ranks are in this one
   */
  ProcessRanks(UUID process, UUID attempt, int ranks, Duration timeout, Optional<Wire> wire) {
    this.attempt = attempt;
    this.ranks = ranks;
    this.timeout = timeout;
    this.server = wire.map(known -> RankServer.open(known, new RankInbound(attempt, this)));
    this.placement =
        new Placement(
            process,
            server.map(RankServer::host).orElse(""),
            server.map(RankServer::port).orElse(0));
  }

  /** Enters the room of an attempt in this JVM; the first one opens it. */
  public static ProcessRanks enter(UUID attempt, int ranks, Duration timeout, Optional<Wire> wire) {
    synchronized (ATTEMPTS) {
      ProcessRanks room = ATTEMPTS.get(attempt);
      if (room == null) {
        room = new ProcessRanks(PROCESS, attempt, ranks, timeout, wire);
        ATTEMPTS.put(attempt, room);
      } else {
        room.members++;
      }
      return room;
    }
  }

  /** Leaves the room; the last one closes it. */
  @Override
  public void close() {
    synchronized (ATTEMPTS) {
      members--;
      if (members > 0) {
        return;
      }
      ATTEMPTS.remove(attempt, this);
    }
    server.ifPresent(RankServer::close);
  }

  /** Names the run's attempt to peers. */
  UUID attempt() {
    return attempt;
  }

  /** How long a rank waits for another. */
  Duration timeout() {
    return timeout;
  }

  /** Where this JVM is. */
  public Placement placement() {
    return placement;
  }

  /** The server of this JVM. */
  RankServer server() {
    return server.orElseThrow(
        () -> new IllegalStateException("a peer is in another JVM, but nothing listens here"));
  }

  /** Fails if there is no such rank. */
  void requireRank(int rank) {
    if (rank < 0 || rank >= ranks) {
      throw new IllegalArgumentException("rank " + rank + " is not in [0, " + ranks + ")");
    }
  }

  /** The inbox of a rank of this JVM. */
  synchronized TransportInbox inbox(int rank) {
    requireRank(rank);
    return inboxes.computeIfAbsent(rank, this::newInbox);
  }

  private TransportInbox newInbox(int owner) {
    TransportInbox inbox = new TransportInbox(owner, ranks, timeout);
    finished.forEach(inbox::finish);
    String reason = lost;
    if (reason != null) {
      inbox.fail(reason);
    }
    return inbox;
  }

  /** The group is lost, for all ranks of this JVM. Only the first reason is kept. */
  synchronized void fail(String reason) {
    if (lost == null) {
      lost = reason;
      inboxes.values().forEach(inbox -> inbox.fail(reason));
    }
  }

  /** Notes that no further message of {@code rank} will come. */
  synchronized void finish(int rank) {
    finished.add(rank);
    inboxes.values().forEach(inbox -> inbox.finish(rank));
  }

  /** A connection to these ranks ended: in good order if all of them have finished. */
  synchronized void disconnected(List<Integer> peers, String how) {
    if (!finished.containsAll(peers)) {
      fail(how);
    }
  }
}
