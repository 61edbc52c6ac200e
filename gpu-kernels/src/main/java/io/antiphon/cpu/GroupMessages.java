package io.antiphon.cpu;

import io.antiphon.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Messages among the members of one group, addressed by their position in it. */
final class GroupMessages {
  private final Transport transport;
  private final int[] members;
  private final int rank;

  GroupMessages(Transport transport, int... members) {
    this.transport = transport;
    this.members = members.clone();
    int found = -1;
    for (int i = 0; i < members.length; i++) {
      if (members[i] == transport.rank()) {
        found = i;
      }
    }
    if (found < 0) {
      throw new IllegalArgumentException("rank " + transport.rank() + " is not in its own group");
    }
    rank = found;
  }

  int rank() {
    return rank;
  }

  int ranks() {
    return members.length;
  }

  void send(int peer, ByteBuffer message) {
    transport.send(members[peer], message);
  }

  ByteBuffer receive(int peer) {
    return transport.receive(members[peer]).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** An empty little-endian message. */
  static ByteBuffer message(long bytes) {
    return ByteBuffer.allocate(Math.toIntExact(bytes)).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** The elements of a tensor as a message. */
  static ByteBuffer bytes(Tensor tensor) {
    ByteBuffer message = message(tensor.elements() * tensor.dtype().bytes());
    ((CpuStorage) tensor.storage()).read(tensor.offset(), message);
    return message.flip();
  }

  /** Overwrites a tensor with a message, which must be as long as it. */
  static void write(ByteBuffer message, Tensor tensor) {
    if (message.remaining() != tensor.elements() * tensor.dtype().bytes()) {
      throw new IllegalStateException(
          "a message of " + message.remaining() + " bytes came for " + tensor);
    }
    ((CpuStorage) tensor.storage()).write(tensor.offset(), message);
  }
}
