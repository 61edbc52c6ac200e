package io.antiphon.cpu;

/** Catches indices in tensors that would reach outside a view into the rest of its storage. */
final class IndexChecks {
  private IndexChecks() {}

  /** Returns {@code index} if it is in {@code [0, size)}, else fails and names {@code what}. */
  static int index(String what, int index, int size) {
    if (index < 0 || index >= size) {
      throw new IndexOutOfBoundsException(
          what + " must be in [0, " + size + "), was " + index + " in the tensor");
    }
    return index;
  }
}
