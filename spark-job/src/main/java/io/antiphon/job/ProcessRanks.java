package io.antiphon.job;

import io.antiphon.cpu.ThreadTransport;
import io.antiphon.cpu.Transport;
import io.antiphon.cpu.TransportInbox;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Where the ranks of one attempt that run in the same JVM find each other's memory. A rank enters
 * before the rendezvous, so that none meets an empty room, and leaves when its task ends.
 */
final class ProcessRanks {
  /** Tells this JVM from all others. */
  static final UUID PROCESS = UUID.randomUUID();

  private static final Map<UUID, ProcessRanks> ATTEMPTS = new HashMap<>();

  private final int ranks;
  private final Duration timeout;
  private final Map<Integer, TransportInbox> inboxes = new HashMap<>();
  private @Nullable List<Transport> threads;
  private int members;

  private ProcessRanks(int ranks, Duration timeout) {
    this.ranks = ranks;
    this.timeout = timeout;
  }

  /** Enters the room of an attempt; the first one opens it. */
  static ProcessRanks enter(UUID attempt, int ranks, Duration timeout) {
    synchronized (ATTEMPTS) {
      ProcessRanks room =
          ATTEMPTS.computeIfAbsent(attempt, ignored -> new ProcessRanks(ranks, timeout));
      room.members++;
      return room;
    }
  }

  /** Leaves the room; the last one closes it. */
  static void leave(UUID attempt) {
    synchronized (ATTEMPTS) {
      ProcessRanks room = ATTEMPTS.get(attempt);
      if (room != null && --room.members == 0) {
        ATTEMPTS.remove(attempt);
      }
    }
  }

  /** The inbox of a rank of this JVM. */
  synchronized TransportInbox inbox(int rank) {
    return inboxes.computeIfAbsent(rank, owner -> new TransportInbox(owner, ranks, timeout));
  }

  /** The transport of a rank when all ranks of the attempt run in this JVM. */
  synchronized Transport thread(int rank) {
    List<Transport> group = threads;
    if (group == null) {
      group = ThreadTransport.group(ranks, timeout);
      threads = group;
    }
    return group.get(rank);
  }
}
