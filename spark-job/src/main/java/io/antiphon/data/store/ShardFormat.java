package io.antiphon.data.store;

import io.antiphon.data.DataException;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A shard file: a header of {@value #HEADER_BYTES} bytes, then sequences of L + 1 tokens, each
 * token an unsigned little-endian number of 2 or 4 bytes.
 *
 * <p>Header, little-endian: magic (8 bytes), version (i32), bytes per token (i32), L (i32),
 * vocabulary (i32), sequences (i64).
 *
 * @param tokenBytes 2 for vocabularies up to 65536, else 4
 * @param sequenceLength L
 * @param vocabulary ids are below it
 */
public record ShardFormat(int tokenBytes, int sequenceLength, int vocabulary)
    implements Serializable {
  /** Version of the layout of files; raised when it changes. */
  public static final int VERSION = 1;

  static final int HEADER_BYTES = 32;
  private static final byte[] MAGIC = "ANTIPHTK".getBytes(StandardCharsets.US_ASCII);

  /** The smallest tokens that hold the vocabulary. */
  public static ShardFormat of(int vocabulary, int sequenceLength) {
    return new ShardFormat(vocabulary <= 1 << 16 ? 2 : 4, sequenceLength, vocabulary);
  }

  /** Bytes of one stored sequence, of L + 1 tokens. */
  public int sequenceBytes() {
    return (sequenceLength + 1) * tokenBytes;
  }

  /** Bytes of a file of that many sequences, with its header. */
  public long fileBytes(long sequences) {
    return Math.addExact(HEADER_BYTES, Math.multiplyExact(sequences, (long) sequenceBytes()));
  }

  /** What a file of that many sequences begins with. */
  public byte[] header(long sequences) {
    return ByteBuffer.allocate(HEADER_BYTES)
        .order(ByteOrder.LITTLE_ENDIAN)
        .put(MAGIC)
        .putInt(VERSION)
        .putInt(tokenBytes)
        .putInt(sequenceLength)
        .putInt(vocabulary)
        .putLong(sequences)
        .array();
  }

  /**
   * Compares a file's header with what the manifest promised.
   *
   * @throws DataException if it differs
   */
  void requireHeader(String file, byte[] header, long sequences) {
    if (!Arrays.equals(header, header(sequences))) {
      boolean magic = Arrays.equals(header, 0, MAGIC.length, MAGIC, 0, MAGIC.length);
      throw new DataException(
          "token shard "
              + file
              + (magic ? " has another format than its manifest says" : " is not a token shard")
              + "; delete the store's directory, the next run builds it again");
    }
  }

  void encode(int[] tokens, ByteBuffer to) {
    for (int token : tokens) {
      if (tokenBytes == 2) {
        to.putShort((short) token);
      } else {
        to.putInt(token);
      }
    }
  }

  /** Tokens as they are stored, little-endian. */
  public byte[] encode(int[] tokens) {
    ByteBuffer bytes =
        ByteBuffer.allocate(Math.multiplyExact(tokens.length, tokenBytes))
            .order(ByteOrder.LITTLE_ENDIAN);
    encode(tokens, bytes);
    return bytes.array();
  }
}
