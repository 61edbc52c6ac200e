package io.antiphon.plan;

/**
 * One home expert held by one echo slot, for one layer of one micro-batch.
 *
 * @param homeExpert logical expert, in {@code [0, experts)}
 * @param slot echo slot of the group, in {@code [0, slots)}
 * @param quota assignments the slot takes over; at least 1
 */
public record EchoClone(int homeExpert, int slot, int quota) {
  public EchoClone {
    if (quota < 1) {
      throw new IllegalArgumentException("quota of slot " + slot + " must be >= 1, was " + quota);
    }
  }
}
