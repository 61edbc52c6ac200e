package io.antiphon.comm;

import io.antiphon.cpu.Transport;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The ranks of one group, in its order, and messages among them. */
final class Members {
  private final Transport transport;
  private final int[] worldRanks;
  private final int rank;

  Members(Transport transport, int... worldRanks) {
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
          "rank "
              + transport.rank()
              + " is not in its own group "
              + Arrays.toString(this.worldRanks));
    }
    rank = found;
  }

  /** All ranks of a run. */
  static Members world(Transport transport) {
    int[] all = new int[transport.ranks()];
    for (int i = 0; i < all.length; i++) {
      all[i] = i;
    }
    return new Members(transport, all);
  }

  int rank() {
    return rank;
  }

  int ranks() {
    return worldRanks.length;
  }

  int worldRank(int member) {
    return worldRanks[member];
  }

  /** Every member's message, in their order; all must call this in the same order. */
  List<ByteBuffer> exchange(ByteBuffer own) {
    for (int member = 0; member < worldRanks.length; member++) {
      if (member != rank) {
        transport.send(worldRanks[member], own.duplicate());
      }
    }
    List<ByteBuffer> all = new ArrayList<>();
    for (int member = 0; member < worldRanks.length; member++) {
      all.add(copy(member == rank ? own : transport.receive(worldRanks[member])));
    }
    return all;
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
