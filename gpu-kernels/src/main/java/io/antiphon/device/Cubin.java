package io.antiphon.device;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;

/**
 * Machine code of one file of kernels.
 *
 * @param loweredNames symbol of each name expression
 * @param code the cubin; ownership passes
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record Cubin(Map<String, String> loweredNames, byte[] code) {
  private static final int DIGEST_BYTES = 32;

  /**
   * An entry of the cache: the SHA-256 of the rest, the names, then the code up to the end. A bit
   * that flipped in machine code would compute wrong numbers without a word.
   */
  byte[] encode() throws IOException {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    DataOutputStream out = new DataOutputStream(body);
    out.writeInt(loweredNames.size());
    for (Map.Entry<String, String> name : new TreeMap<>(loweredNames).entrySet()) {
      out.writeUTF(name.getKey());
      out.writeUTF(name.getValue());
    }
    out.write(code);
    ByteArrayOutputStream entry = new ByteArrayOutputStream();
    entry.write(digest(body.toByteArray()));
    body.writeTo(entry);
    return entry.toByteArray();
  }

  /**
   * Reads what {@link #encode} made.
   *
   * @throws IOException if it is anything else
   */
  static Cubin decode(byte[] entry) throws IOException {
    if (entry.length < DIGEST_BYTES) {
      throw new IOException("it is cut off");
    }
    byte[] body = Arrays.copyOfRange(entry, DIGEST_BYTES, entry.length);
    if (!MessageDigest.isEqual(digest(body), Arrays.copyOf(entry, DIGEST_BYTES))) {
      throw new IOException("its checksum is another");
    }
    DataInputStream in = new DataInputStream(new ByteArrayInputStream(body));
    Map<String, String> names = new TreeMap<>();
    int count = in.readInt();
    for (int i = 0; i < count; i++) { // more than there are end at the end of the bytes
      names.put(in.readUTF(), in.readUTF());
    }
    return new Cubin(names, in.readAllBytes());
  }

  private static byte[] digest(byte[] bytes) {
    return sha256().digest(bytes);
  }

  /** A new digest, to be fed piece by piece. */
  static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
