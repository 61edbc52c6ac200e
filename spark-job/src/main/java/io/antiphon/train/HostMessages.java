package io.antiphon.train;

import io.antiphon.cpu.Transport;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Rare agreements among all ranks between steps: which checkpoint to read, which shards were
 * written.
 */
final class HostMessages {
  private final Transport transport;

  HostMessages(Transport transport) {
    this.transport = transport;
  }

  /** Every rank's bytes, by rank, on every rank. */
  List<byte[]> allGather(byte[] own) {
    for (int peer = 0; peer < transport.ranks(); peer++) {
      if (peer != transport.rank()) {
        transport.send(peer, ByteBuffer.wrap(own.clone()));
      }
    }
    List<byte[]> all = new ArrayList<>();
    for (int peer = 0; peer < transport.ranks(); peer++) {
      all.add(peer == transport.rank() ? own.clone() : bytes(transport.receive(peer)));
    }
    return all;
  }

  /** Rank 0's number on every rank. */
  long fromRankZero(long own) {
    byte[] first = allGather(ByteBuffer.allocate(Long.BYTES).putLong(own).array()).get(0);
    return ByteBuffer.wrap(first).getLong();
  }

  /** Returns once every rank has called this. */
  void barrier() {
    allGather(new byte[0]);
  }

  private static byte[] bytes(ByteBuffer message) {
    byte[] copy = new byte[message.remaining()];
    message.get(copy);
    return copy;
  }
}
