package io.antiphon.comm;

import io.antiphon.tensor.CommException;
import io.antiphon.transport.Transport;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** Messages between two processes of this host. */
final class SocketTransport implements Transport {
  private static final int SECONDS = 60;

  private final int rank;
  private final Socket socket;
  private final DataOutputStream out;
  private final BlockingQueue<ByteBuffer> arrived = new LinkedBlockingQueue<>();
  private final BlockingQueue<ByteBuffer> toSelf = new LinkedBlockingQueue<>();

  private SocketTransport(int rank, Socket socket) throws IOException {
    this.rank = rank;
    this.socket = socket;
    socket.setTcpNoDelay(true);
    out = new DataOutputStream(socket.getOutputStream());
    DataInputStream in = new DataInputStream(socket.getInputStream());
    Thread reader = new Thread(() -> read(in), "messages");
    reader.setDaemon(true);
    reader.start();
  }

  /** Rank 0 listens at {@code port}, rank 1 connects to it. */
  static SocketTransport open(int rank, int port) {
    try {
      if (rank == 0) {
        try (ServerSocket server = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
          server.setSoTimeout(SECONDS * 1000);
          return new SocketTransport(rank, server.accept());
        }
      }
      return new SocketTransport(rank, connect(port));
    } catch (IOException e) {
      throw new CommException("no connection", e);
    }
  }

  private static Socket connect(int port) throws IOException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
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

  private void read(DataInputStream in) {
    try {
      while (true) {
        byte[] bytes = new byte[in.readInt()];
        in.readFully(bytes);
        arrived.add(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN));
      }
    } catch (IOException e) {
      // The peer has ended; whoever waits for it runs into the limit.
    }
  }

  @Override
  public int rank() {
    return rank;
  }

  @Override
  public int ranks() {
    return 2;
  }

  @Override
  public void send(int peer, ByteBuffer message) {
    byte[] bytes = new byte[message.remaining()];
    message.duplicate().get(bytes);
    if (peer == rank) {
      toSelf.add(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN));
      return;
    }
    try {
      out.writeInt(bytes.length);
      out.write(bytes);
      out.flush();
    } catch (IOException e) {
      throw new CommException("rank " + peer + " is gone", e);
    }
  }

  @Override
  public ByteBuffer receive(int peer) {
    @Nullable ByteBuffer message;
    try {
      message = (peer == rank ? toSelf : arrived).poll(SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CommException("interrupted", e);
    }
    if (message == null) {
      throw new CommException("rank " + peer + " sent nothing");
    }
    return message;
  }

  @Override
  public void abort(String reason) {
    close();
  }

  @Override
  public void close() {
    try {
      socket.close();
    } catch (IOException e) {
      throw new CommException("cannot close", e);
    }
  }
}
