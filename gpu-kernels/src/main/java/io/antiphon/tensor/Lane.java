package io.antiphon.tensor;

/**
 * An ordered queue of operations of one rank. Operations of different lanes may overlap unless a
 * mark orders them; a backend without overlap runs all lanes in the order of the calls.
 */
public interface Lane {
  /** A point in this lane: everything enqueued so far. */
  Mark record();

  /** Makes everything enqueued on this lane from now on wait for {@code mark}. */
  void await(Mark mark);

  /** A point in a lane, to be awaited by another. */
  interface Mark {}
}
