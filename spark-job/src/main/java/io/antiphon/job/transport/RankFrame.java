package io.antiphon.job.transport;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.UUID;

/**
 * What ranks of different executors tell each other besides the messages of the run. A connection
 * begins with {@link Hello}; what follows on it is from that rank, in order.
 */
sealed interface RankFrame {
  /** A longer reason is cut. */
  int MOST_REASON_CHARACTERS = 4000;

  /** Bytes in front of a message: its receiver and its length. */
  int HEADER_BYTES = 2 * Integer.BYTES;

  /** The sender. The attempt, which only its ranks know, keeps strangers and latecomers out. */
  record Hello(UUID attempt, int rank) implements RankFrame {}

  /** The sender gives the group up. */
  record Abort(String reason) implements RankFrame {}

  /** The sender has sent everything and goes. */
  record Leave() implements RankFrame {}

  /**
   * Writes the frame as bytes. The first tells the kind; Spark's authentication begins with others.
   */
  default ByteBuffer encoded() {
    if (this instanceof Hello hello) {
      return ByteBuffer.allocate(1 + 2 * Long.BYTES + Integer.BYTES)
          .put((byte) 1)
          .putLong(hello.attempt().getMostSignificantBits())
          .putLong(hello.attempt().getLeastSignificantBits())
          .putInt(hello.rank())
          .flip();
    }
    if (this instanceof Abort abort) {
      String reason = abort.reason();
      if (reason.length() > MOST_REASON_CHARACTERS) {
        reason = reason.substring(0, MOST_REASON_CHARACTERS) + " ...";
      }
      byte[] text = reason.getBytes(StandardCharsets.UTF_8);
      return ByteBuffer.allocate(1 + text.length).put((byte) 2).put(text).flip();
    }
    return ByteBuffer.allocate(1).put((byte) 3).flip();
  }

  /**
   * Reads what {@link #encoded} wrote.
   *
   * @throws IllegalArgumentException if the bytes are something else
   */
  static RankFrame decode(ByteBuffer bytes) {
    return switch (bytes.hasRemaining() ? bytes.get() : 0) {
      case 1 -> hello(bytes);
      case 2 -> new Abort(StandardCharsets.UTF_8.decode(bytes).toString());
      case 3 -> new Leave();
      default -> throw new IllegalArgumentException("a peer sent what is no frame of a rank");
    };
  }

  private static Hello hello(ByteBuffer bytes) {
    if (bytes.remaining() != 2 * Long.BYTES + Integer.BYTES) {
      throw new IllegalArgumentException("a peer sent half a greeting");
    }
    return new Hello(new UUID(bytes.getLong(), bytes.getLong()), bytes.getInt());
  }
}
