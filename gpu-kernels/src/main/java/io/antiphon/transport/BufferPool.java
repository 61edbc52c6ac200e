package io.antiphon.transport;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * Off-heap buffers that come back: a steady exchange of messages then allocates nothing. Keeps the
 * few largest of those that are idle. Safe for use by many threads.
 */
public final class BufferPool {
  private static final int SPARE_BUFFERS = 4;

  private final List<ByteBuffer> spares = new ArrayList<>();

  /** A little-endian buffer with position 0 and limit {@code bytes}; its content is arbitrary. */
  public ByteBuffer take(int bytes) {
    synchronized (spares) {
      int best = -1;
      for (int i = 0; i < spares.size(); i++) {
        int capacity = spares.get(i).capacity();
        if (capacity >= bytes && (best < 0 || capacity < spares.get(best).capacity())) {
          best = i;
        }
      }
      if (best >= 0) {
        return spares.remove(best).clear().limit(bytes);
      }
    }
    // Row counts change a little from step to step: some room saves most later allocations.
    int capacity = (int) Math.min(Transport.MAX_MESSAGE_BYTES, bytes + bytes / 8L + 64);
    return ByteBuffer.allocateDirect(capacity).order(ByteOrder.LITTLE_ENDIAN).limit(bytes);
  }

  /** Takes back a buffer that nobody uses any more. */
  public void give(ByteBuffer buffer) {
    synchronized (spares) {
      spares.add(buffer);
      if (spares.size() > SPARE_BUFFERS) {
        int smallest = 0;
        for (int i = 1; i < spares.size(); i++) {
          if (spares.get(i).capacity() < spares.get(smallest).capacity()) {
            smallest = i;
          }
        }
        spares.remove(smallest);
      }
    }
  }
}
