package io.antiphon.device;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
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
  void write(DataOutputStream out) throws IOException {
    out.writeInt(loweredNames.size());
    for (Map.Entry<String, String> name : loweredNames.entrySet()) {
      out.writeUTF(name.getKey());
      out.writeUTF(name.getValue());
    }
    out.writeInt(code.length);
    out.write(code);
  }

  static Cubin read(DataInputStream in) throws IOException {
    Map<String, String> names = new TreeMap<>();
    int count = in.readInt();
    for (int i = 0; i < count; i++) {
      names.put(in.readUTF(), in.readUTF());
    }
    byte[] code = new byte[in.readInt()];
    in.readFully(code);
    return new Cubin(names, code);
  }
}
