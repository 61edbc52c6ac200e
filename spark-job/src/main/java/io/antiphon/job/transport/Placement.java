package io.antiphon.job.transport;

import java.util.List;
import java.util.UUID;

/**
 * Place where a barrier task runs, as it tells the others in the rendezvous.
 *
 * @param process tells its JVM from all others
 * @param host where that JVM listens; empty if it listens nowhere
 * @param port where that JVM listens; 0 if it listens nowhere
 */
public record Placement(UUID process, String host, int port) {
  private static final char SEPARATOR = '|';

  /** Reads what {@link #encoded} wrote. */
  public static Placement decode(String text) {
    List<String> parts = List.of(text.split("\\" + SEPARATOR, -1));
    if (parts.size() != 3) {
      throw new IllegalArgumentException("no placement of a rank: " + text);
    }
    return new Placement(
        UUID.fromString(parts.get(0)), parts.get(1), Integer.parseInt(parts.get(2)));
  }

  /** Writes it as a line of text. */
  public String encoded() {
    return process.toString() + SEPARATOR + host + SEPARATOR + port;
  }

  /** Host and port, for messages. */
  String address() {
    return host + ":" + port;
  }
}
