package io.antiphon.comm;

import io.antiphon.tensor.CommException;
import io.antiphon.transport.Transport;
import io.antiphon.transport.TransportInbox;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Messages between processes of this host, over a socket for each pair of ranks. */
final class SocketTransport implements Transport {
  private static final Duration LIMIT = Duration.ofSeconds(60);

  /** A word in place of a message's size. */
  private static final int FAREWELL = -1;

  /** A word in place of a message's size, before the reason. */
  private static final int GIVEN_UP = -2;

  private final int rank;
  private final Map<Integer, Socket> peers;
  private final Map<Integer, DataOutputStream> outputs = new HashMap<>();
  private final TransportInbox inbox;

  private SocketTransport(int rank, Map<Integer, Socket> peers, Duration timeout)
      throws IOException {
    this.rank = rank;
    this.peers = peers;
    inbox = new TransportInbox(rank, peers.size() + 1, timeout);
    for (Map.Entry<Integer, Socket> peer : peers.entrySet()) {
      Socket socket = peer.getValue();
      socket.setTcpNoDelay(true);
      outputs.put(peer.getKey(), new DataOutputStream(socket.getOutputStream()));
      DataInputStream in = new DataInputStream(socket.getInputStream());
      Thread reader = new Thread(() -> read(peer.getKey(), in), "messages of " + peer.getKey());
      reader.setDaemon(true);
      reader.start();
    }
  }

  /** Joins two processes: rank 0 listens at {@code port}, rank 1 connects to it. */
  static SocketTransport open(int rank, int port) {
    try {
      if (rank == 0) {
        try (ServerSocket server = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
          server.setSoTimeout((int) LIMIT.toMillis());
          return new SocketTransport(0, Map.of(1, server.accept()), LIMIT);
        }
      }
      return new SocketTransport(1, Map.of(0, connect(port)), LIMIT);
    } catch (IOException e) {
      throw new CommException("no connection", e);
    }
  }

  /** All ranks of a group in this process, as if each had one of its own. */
  static List<Transport> group(int ranks, Duration timeout) throws IOException {
    List<Map<Integer, Socket>> peers = new ArrayList<>();
    for (int rank = 0; rank < ranks; rank++) {
      peers.add(new HashMap<>());
    }
    try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      for (int high = 1; high < ranks; high++) {
        for (int low = 0; low < high; low++) {
          peers.get(high).put(low, connect(server.getLocalPort()));
          peers.get(low).put(high, server.accept());
        }
      }
    }
    List<Transport> group = new ArrayList<>();
    for (int rank = 0; rank < ranks; rank++) {
      group.add(new SocketTransport(rank, peers.get(rank), timeout));
    }
    return group;
  }

  private static Socket connect(int port) throws IOException {
    long deadline = System.nanoTime() + LIMIT.toNanos();
    while (true) {
      Socket socket = new Socket();
      try {
        socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        return socket;
      } catch (IOException e) {
        socket.close();
        if (System.nanoTime() - deadline > 0) {
          throw e;
        }
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
      }
    }
  }

  private void read(int peer, DataInputStream in) {
    try {
      while (true) {
        int bytes = in.readInt();
        if (bytes == FAREWELL) {
          inbox.finish(peer);
          return;
        }
        if (bytes == GIVEN_UP) {
          inbox.fail("rank " + peer + " gave up: " + in.readUTF());
          return;
        }
        byte[] content = new byte[bytes];
        in.readFully(content);
        inbox.deliver(peer, inbox.buffer(peer, bytes).put(content));
      }
    } catch (IOException e) {
      inbox.fail("the connection to rank " + peer + " was lost");
    }
  }

  @Override
  public int rank() {
    return rank;
  }

  @Override
  public int ranks() {
    return peers.size() + 1;
  }

  @Override
  public void send(int peer, ByteBuffer message) {
    TransportInbox.checkSize(message.remaining());
    inbox.requireGroup();
    if (peer == rank) {
      inbox.copy(rank, message);
      return;
    }
    byte[] content = new byte[message.remaining()];
    message.duplicate().get(content);
    try {
      DataOutputStream out = output(peer);
      synchronized (out) {
        out.writeInt(content.length);
        out.write(content);
        out.flush();
      }
    } catch (IOException e) {
      throw new CommException("rank " + peer + " is gone", e);
    }
  }

  private DataOutputStream output(int peer) {
    DataOutputStream out = outputs.get(peer);
    if (out == null) {
      throw new IllegalArgumentException("there is no rank " + peer);
    }
    return out;
  }

  @Override
  public ByteBuffer receive(int peer) {
    return inbox.take(peer);
  }

  @Override
  public void abort(String reason) {
    inbox.fail(reason);
    for (int peer : peers.keySet()) {
      DataOutputStream out = output(peer);
      synchronized (out) {
        try {
          out.writeInt(GIVEN_UP);
          out.writeUTF(reason);
          out.flush();
        } catch (IOException e) {
          // The peer has ended, and waits for nobody.
        }
      }
    }
  }

  /**
   * Ends what is sent; what still comes is read, so that the system has no reason to cut it off.
   */
  @Override
  public void close() {
    inbox.finish(rank);
    for (Map.Entry<Integer, Socket> peer : peers.entrySet()) {
      DataOutputStream out = output(peer.getKey());
      synchronized (out) {
        try {
          out.writeInt(FAREWELL);
          out.flush();
          peer.getValue().shutdownOutput();
        } catch (IOException e) {
          // The peer has ended, or this rank has left already.
        }
      }
    }
  }
}
