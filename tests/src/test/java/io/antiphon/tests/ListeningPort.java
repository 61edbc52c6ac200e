package io.antiphon.tests;

import java.io.IOException;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * A TCP port on which a process listens, as Linux tells it.
 *
 * @param process its id
 * @param address to which the port is bound
 */
record ListeningPort(long process, InetAddress address, int number) {
  private static final String LISTEN = "0A";

  /** All ports on which these processes of this user listen. */
  static List<ListeningPort> of(List<ProcessHandle> processes) throws IOException {
    Map<String, Long> owners = new HashMap<>();
    for (ProcessHandle process : processes) {
      for (String socket : sockets(process.pid())) {
        owners.put(socket, process.pid());
      }
    }
    List<ListeningPort> ports = new ArrayList<>();
    for (String table : List.of("tcp", "tcp6")) {
      for (String line : Files.readAllLines(Path.of("/proc/net", table))) {
        // sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode
        String[] fields = line.strip().split("\\s+", -1);
        Long owner = fields.length > 9 ? owners.get("socket:[" + fields[9] + "]") : null;
        if (owner != null && fields[3].equals(LISTEN)) {
          String[] local = fields[1].split(":", -1);
          ports.add(new ListeningPort(owner, address(local[0]), Integer.parseInt(local[1], 16)));
        }
      }
    }
    return ports;
  }

  private static List<String> sockets(long process) throws IOException {
    List<String> sockets = new ArrayList<>();
    try (Stream<Path> descriptors = Files.list(Path.of("/proc/" + process + "/fd"))) {
      for (Path descriptor : descriptors.toList()) {
        try {
          sockets.add(Files.readSymbolicLink(descriptor).toString());
        } catch (IOException e) {
          // closed meanwhile
        }
      }
    }
    return sockets;
  }

  /** Words of 32 bits, each in the byte order of the machine. */
  private static InetAddress address(String hex) throws IOException {
    ByteBuffer words = ByteBuffer.wrap(HexFormat.of().parseHex(hex)).order(ByteOrder.nativeOrder());
    ByteBuffer address = ByteBuffer.allocate(words.capacity());
    while (words.hasRemaining()) {
      address.putInt(words.getInt());
    }
    return InetAddress.getByAddress(address.array());
  }
}
