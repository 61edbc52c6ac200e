package io.antiphon.tensor;

/** Which of a rank's physical experts a grouped GEMM computes. */
public enum ExpertRange {
  /** Home experts and slots. */
  ALL,
  /** Home experts, whose weights are always there. */
  HOME,
  /** Slots, whose weights arrive by the weight dispatch. */
  SLOTS;

  /**
   * First physical expert.
   *
   * @param localExperts home experts of the rank
   */
  public int first(int localExperts) {
    return this == SLOTS ? localExperts : 0;
  }

  /**
   * Physical expert after the last one.
   *
   * @param physicalExperts home experts and slots of the rank
   */
  public int end(int localExperts, int physicalExperts) {
    return this == HOME ? localExperts : physicalExperts;
  }
}
