package io.antiphon.tensor;

/** Which planner decides on clones. */
public enum PlanAlgorithm {
  /** No clones; also for groups without slots. */
  NONE,
  /** Approximate bin packing, one slot per rank. */
  BIN_PACKING,
  /** One-shot greedy interval overlap, any number of slots. */
  ONE_SHOT
}
