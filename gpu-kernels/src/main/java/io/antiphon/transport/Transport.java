package io.antiphon.transport;

import io.antiphon.tensor.CommException;
import java.nio.ByteBuffer;

/**
 * Messages from rank to rank within one run; the collectives of the CPU backend stand on it.
 *
 * <p>Messages of one pair of ranks arrive whole and in order. Sending only copies, so that a group
 * in which everybody first sends to everybody and then receives from everybody always gets through,
 * whatever the sizes. A rank thread uses its own transport; {@link #abort} may come from any
 * thread.
 */
public interface Transport extends AutoCloseable {
  /** Largest message, in bytes: 1 GiB. */
  int MAX_MESSAGE_BYTES = 1 << 30;

  /** Position of this rank in the run, in {@code [0, ranks)}. */
  int rank();

  /** Number of ranks in the run. */
  int ranks();

  /**
   * Copies the bytes from the buffer's position to its limit and sends them. The caller may change
   * the buffer as soon as this returns; its position and limit stay as they were.
   *
   * @param peer receiver, in {@code [0, ranks)}; may be this rank
   * @throws IllegalArgumentException if the message is larger than {@link #MAX_MESSAGE_BYTES}
   * @throws CommException if the group is lost
   */
  void send(int peer, ByteBuffer message);

  /**
   * Waits for the next message of {@code peer}.
   *
   * @return its bytes from position 0 to the limit, little-endian. The buffer belongs to the
   *     transport: it is valid until the next call for the same peer, or until {@link #close}.
   * @throws CommException if the group is lost, the peer closed its transport, or nothing arrived
   *     within the time limit of the transport
   */
  ByteBuffer receive(int peer);

  /**
   * Gives the group up: every call that waits, here or on a peer, ends with a {@link CommException}
   * that carries the reason, and so does every later one. The first reason counts.
   */
  void abort(String reason);

  /**
   * Leaves the group in good order: waits until the peers hold everything that was sent. Messages
   * that this rank has not received are dropped.
   *
   * @throws CommException if the peers did not take everything within the time limit
   */
  @Override
  void close();
}
