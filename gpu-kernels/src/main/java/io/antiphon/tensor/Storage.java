package io.antiphon.tensor;

/** A block of memory that one backend owns; only that backend knows how to reach it. */
public interface Storage {
  /** Element type of the block. */
  DType dtype();

  /** Number of elements in the block. */
  long elements();
}
