package io.antiphon.train;

import io.antiphon.cpu.Transport;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** Makes all ranks choose alike: on a GPU only if every one of them has one. */
final class AutoChoice {
  private AutoChoice() {}

  /**
   * Tells all ranks what this one lacks.
   *
   * @param lacking why this rank cannot use a GPU; empty if it can
   * @return why the ranks do not use GPUs, the same on all of them; empty if they do
   */
  static Optional<String> agree(Transport transport, Optional<String> lacking) {
    byte[] own = lacking.orElse("").getBytes(StandardCharsets.UTF_8);
    for (int peer = 0; peer < transport.ranks(); peer++) {
      transport.send(peer, ByteBuffer.wrap(own));
    }
    Optional<String> first = Optional.empty();
    for (int peer = 0; peer < transport.ranks(); peer++) {
      ByteBuffer message = transport.receive(peer);
      byte[] bytes = new byte[message.remaining()];
      message.get(bytes);
      if (bytes.length > 0 && first.isEmpty()) {
        String reason = new String(bytes, StandardCharsets.UTF_8);
        first = Optional.of(transport.ranks() > 1 ? "rank " + peer + ": " + reason : reason);
      }
    }
    return first;
  }
}
