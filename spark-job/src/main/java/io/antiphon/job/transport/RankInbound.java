package io.antiphon.job.transport;

import io.antiphon.transport.TransportInbox;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.spark.network.client.RpcResponseCallback;
import org.apache.spark.network.client.StreamCallbackWithID;
import org.apache.spark.network.client.TransportClient;
import org.apache.spark.network.server.OneForOneStreamManager;
import org.apache.spark.network.server.RpcHandler;
import org.apache.spark.network.server.StreamManager;

/**
 * Takes what ranks of other executors send. A message goes from the socket straight into the buffer
 * its receiver will read, and is acknowledged when it is there.
 */
final class RankInbound extends RpcHandler {
  private static final ByteBuffer NOTHING = ByteBuffer.allocate(0).asReadOnlyBuffer();

  private final UUID attempt;
  private final ProcessRanks room;
  private final StreamManager noStreams = new OneForOneStreamManager();
  private final Map<TransportClient, Integer> senders = new ConcurrentHashMap<>();

  RankInbound(UUID attempt, ProcessRanks room) {
    this.attempt = attempt;
    this.room = room;
  }

  @Override
  public void receive(TransportClient client, ByteBuffer bytes, RpcResponseCallback answer) {
    RankFrame frame = RankFrame.decode(bytes);
    if (frame instanceof RankFrame.Hello hello) {
      greet(client, hello);
    } else {
      int sender = sender(client);
      if (frame instanceof RankFrame.Abort abort) {
        room.fail("rank " + sender + " gave up: " + abort.reason());
      } else {
        room.finish(sender);
        senders.remove(client);
      }
    }
    answer.onSuccess(NOTHING.duplicate());
  }

  private void greet(TransportClient client, RankFrame.Hello hello) {
    if (!hello.attempt().equals(attempt)) {
      throw new SecurityException(client.getSocketAddress() + " belongs to another attempt");
    }
    room.requireRank(hello.rank());
    senders.put(client, hello.rank());
  }

  private int sender(TransportClient client) {
    Integer rank = senders.get(client);
    if (rank == null) {
      throw new SecurityException(client.getSocketAddress() + " did not say which rank it is");
    }
    return rank;
  }

  @Override
  public StreamCallbackWithID receiveStream(
      TransportClient client, ByteBuffer header, RpcResponseCallback answer) {
    int sender = sender(client);
    if (header.remaining() != RankFrame.HEADER_BYTES) {
      throw new IllegalArgumentException("rank " + sender + " sent no header of a message");
    }
    TransportInbox inbox = room.inbox(header.getInt());
    return new Arriving(inbox, sender, inbox.buffer(sender, header.getInt()));
  }

  @Override
  public void channelInactive(TransportClient client) {
    Integer rank = senders.remove(client);
    if (rank != null) {
      room.fail("the connection from rank " + rank + " was lost");
    }
  }

  @Override
  public StreamManager getStreamManager() {
    return noStreams;
  }

  /** One message on its way in. */
  private record Arriving(TransportInbox inbox, int sender, ByteBuffer message)
      implements StreamCallbackWithID {
    @Override
    public String getID() {
      return "message of rank " + sender;
    }

    @Override
    public ByteBuffer getCompletionResponse() {
      return NOTHING.duplicate();
    }

    @Override
    public void onData(String id, ByteBuffer bytes) {
      message.put(bytes); // more than announced overflows, which ends the connection
    }

    @Override
    public void onComplete(String id) {
      if (message.hasRemaining()) {
        throw new IllegalArgumentException(id + " is shorter than announced");
      }
      inbox.deliver(sender, message);
    }

    @Override
    public void onFailure(String id, Throwable cause) {
      // The connection ends, and with it the group.
    }
  }
}
