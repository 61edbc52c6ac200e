package io.antiphon.transport;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Some ranks of a run in the order of a group, and messages among them. */
public final class Members {
  private final Transport transport;
  private final int[] worldRanks;
  private final int rank;

  /**
   * The group of {@code worldRanks}, seen from the rank of {@code transport}.
   *
   * @throws IllegalArgumentException if that rank is not in the group
   */
  public Members(Transport transport, int... worldRanks) {
    this.transport = transport;
    this.worldRanks = worldRanks.clone();
    int found = -1;
    for (int i = 0; i < worldRanks.length; i++) {
      if (worldRanks[i] == transport.rank()) {
        found = i;
      }
    }
    if (found < 0) {
      throw new IllegalArgumentException(
          "rank %d is not in its own group %s"
              .formatted(transport.rank(), Arrays.toString(worldRanks)));
    }
    rank = found;
  }

  /** All ranks of a run. */
  public static Members world(Transport transport) {
    int[] all = new int[transport.ranks()];
    Arrays.setAll(all, rank -> rank);
    return new Members(transport, all);
  }

  /** Position of this rank in the group, in {@code [0, ranks)}. */
  public int rank() {
    return rank;
  }

  /** Number of ranks in the group. */
  public int ranks() {
    return worldRanks.length;
  }

  /** The rank in the run of the member at a position in the group. */
  public int worldRank(int member) {
    return worldRanks[member];
  }

  /** Sends to a member, as {@link Transport#send} does. */
  public void send(int member, ByteBuffer message) {
    transport.send(worldRanks[member], message);
  }

  /** Waits for the next message of a member, as {@link Transport#receive} does. */
  public ByteBuffer receive(int member) {
    return transport.receive(worldRanks[member]);
  }

  /**
   * Gives every member's small value to every member; all of them call this in the same order.
   *
   * @param own the bytes from the buffer's position to its limit, at most {@link
   *     Transport#MAX_MESSAGE_BYTES}; unchanged
   * @return a value per member, in their order: little-endian buffers on arrays of their own, from
   *     position 0 to the limit, which is the array's length
   */
  public List<ByteBuffer> exchange(ByteBuffer own) {
    for (int member = 0; member < worldRanks.length; member++) {
      if (member != rank) {
        send(member, own);
      }
    }
    List<ByteBuffer> all = new ArrayList<>();
    for (int member = 0; member < worldRanks.length; member++) {
      all.add(copy(member == rank ? own : receive(member)));
    }
    return all;
  }

  /** Gives the first member's number to every member; all of them call this in the same order. */
  public long numberOfTheFirst(long own) {
    ByteBuffer message = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    return exchange(message.putLong(0, own)).get(0).getLong();
  }

  /** Returns once every member has called this. */
  public void meet() {
    exchange(ByteBuffer.allocate(0));
  }

  private static ByteBuffer copy(ByteBuffer message) {
    ByteBuffer copy = ByteBuffer.allocate(message.remaining()).order(ByteOrder.LITTLE_ENDIAN);
    return copy.put(message.duplicate()).flip();
  }

  @Override
  public String toString() {
    return Arrays.toString(worldRanks);
  }
}
