package io.antiphon.train;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.antiphon.transport.Members;
import io.antiphon.transport.Transport;
import java.util.List;
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
    List<String> reasons =
        Members.world(transport).exchange(UTF_8.encode(lacking.orElse(""))).stream()
            .map(reason -> UTF_8.decode(reason).toString())
            .toList();
    for (int rank = 0; rank < reasons.size(); rank++) {
      String reason = reasons.get(rank);
      if (!reason.isEmpty()) {
        return Optional.of(reasons.size() > 1 ? "rank " + rank + ": " + reason : reason);
      }
    }
    return Optional.empty();
  }
}
