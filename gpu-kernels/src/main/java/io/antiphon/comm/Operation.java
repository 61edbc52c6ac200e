package io.antiphon.comm;

/** Collective operations, as kernels number them in the record of a failure. */
enum Operation {
  ALL_GATHER("all-gather"),
  ALL_REDUCE_SUM("all-reduce of a sum"),
  ALL_REDUCE_MAX("all-reduce of a maximum"),
  DISPATCH("dispatch of rows"),
  DISPATCH_SCALARS("dispatch of numbers"),
  COMBINE("combine of rows"),
  COMBINE_SCALARS("combine of numbers"),
  DISPATCH_WEIGHTS("dispatch of expert weights"),
  REDUCE_SLOT_GRADIENTS("reduction of slot gradients");

  private static final Operation[] ALL = values();

  private final String words;

  Operation(String words) {
    this.words = words;
  }

  static Operation of(int ordinal) {
    return ALL[ordinal];
  }

  /** The number that kernels and messages carry, within one run. */
  @SuppressWarnings("EnumOrdinal") // never stored
  int number() {
    return ordinal();
  }

  /** What messages call it. */
  String words() {
    return words;
  }
}
