package io.antiphon.job.transport;

import io.antiphon.tensor.CommException;
import io.antiphon.transport.BufferPool;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.apache.spark.network.buffer.NioManagedBuffer;
import org.apache.spark.network.client.RpcResponseCallback;
import org.apache.spark.network.client.TransportClient;

/**
 * One rank's connection to all ranks of another executor. Messages are copied and queued; the
 * peer's network threads take them whether or not its ranks receive, and acknowledge them. Sending
 * waits only while too much is unacknowledged, which bounds the memory of the copies.
 */
final class RankLink implements AutoCloseable {
  private static final long WINDOW_BYTES = 256L << 20;

  private final TransportClient client;
  private final String peer;
  private final Consumer<String> onLoss;
  private final BufferPool pool = new BufferPool();
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private long pendingBytes;
  private boolean ended;

  private RankLink(TransportClient client, String peer, Consumer<String> onLoss) {
    this.client = client;
    this.peer = peer;
    this.onLoss = onLoss;
  }

  /**
   * Connects.
   *
   * @param peer whom the link reaches, for messages
   * @param onLoss told, once and from a network thread, why the connection ended before {@link
   *     #close}
   * @throws CommException if the peer cannot be reached
   */
  static RankLink open(
      RankServer server,
      Placement place,
      String peer,
      RankFrame.Hello hello,
      Consumer<String> onLoss) {
    TransportClient client = server.connect(place);
    RankLink link = new RankLink(client, peer, onLoss);
    client.getChannel().closeFuture().addListener(closed -> link.end("the peer is gone"));
    link.tell(hello);
    return link;
  }

  /** Whom the link reaches, for messages. */
  String peer() {
    return peer;
  }

  /**
   * Copies a message and sends it. After the end of the connection it does nothing.
   *
   * @throws CommException if the peer took too little within {@code limit}
   */
  void send(int receiver, ByteBuffer message, Duration limit) {
    int bytes = message.remaining();
    if (!await(WINDOW_BYTES, limit)) {
      throw new CommException("%s took nothing within %d s".formatted(peer, limit.toSeconds()));
    }
    ByteBuffer copy = pool.take(bytes);
    copy.put(0, message, message.position(), bytes);
    ByteBuffer header =
        ByteBuffer.allocate(RankFrame.HEADER_BYTES).putInt(receiver).putInt(bytes).flip();
    Acknowledgement acknowledgement = begin(RankFrame.HEADER_BYTES + bytes, () -> pool.give(copy));
    client.uploadStream(
        new NioManagedBuffer(header), new NioManagedBuffer(copy.duplicate()), acknowledgement);
  }

  /** Sends a frame, behind everything sent before. */
  void tell(RankFrame frame) {
    ByteBuffer bytes = frame.encoded();
    client.sendRpc(bytes, begin(bytes.remaining(), () -> {}));
  }

  /** Waits until the peer holds everything or the connection ended; false if it takes too long. */
  boolean awaitTaken(Duration limit) {
    return await(1, limit);
  }

  private boolean await(long below, Duration limit) {
    lock.lock();
    try {
      long left = limit.toNanos();
      while (pendingBytes >= below && !ended) {
        if (left <= 0) {
          return false;
        }
        left = changed.awaitNanos(left);
      }
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CommException("interrupted while sending to " + peer, e);
    } finally {
      lock.unlock();
    }
  }

  private Acknowledgement begin(int bytes, Runnable after) {
    lock.lock();
    try {
      pendingBytes += bytes;
    } finally {
      lock.unlock();
    }
    return new Acknowledgement(bytes, after);
  }

  private void end(String reason) {
    lock.lock();
    try {
      if (ended) {
        return;
      }
      ended = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    onLoss.accept("the connection to " + peer + " was lost: " + reason);
  }

  /** Drops what the peer has not taken. */
  @Override
  public void close() {
    lock.lock();
    try {
      ended = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    client.close();
  }

  /** Comes when the peer has something, or never will. */
  private final class Acknowledgement implements RpcResponseCallback {
    private final int bytes;
    private final Runnable after;
    private final AtomicBoolean done = new AtomicBoolean();

    Acknowledgement(int bytes, Runnable after) {
      this.bytes = bytes;
      this.after = after;
    }

    @Override
    public void onSuccess(ByteBuffer nothing) {
      if (done.compareAndSet(false, true)) {
        after.run();
        lock.lock();
        try {
          pendingBytes -= bytes;
          changed.signalAll();
        } finally {
          lock.unlock();
        }
      }
    }

    @Override
    public void onFailure(Throwable cause) {
      // The buffer may still be in the socket's queue: it is left to the garbage collector.
      end(String.valueOf(cause.getMessage()).lines().findFirst().orElse(""));
    }
  }
}
