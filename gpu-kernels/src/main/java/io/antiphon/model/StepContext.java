package io.antiphon.model;

import io.antiphon.tensor.Arena;
import io.antiphon.tensor.Backend;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.Ops;
import io.antiphon.tensor.StepState;
import java.util.Optional;

/**
 * What every layer of one rank builds on.
 *
 * @param backend device of this rank
 * @param groups communication
 * @param arena owns the activations; replaced as a whole when the row capacity grows
 * @param model shape of the transformer
 * @param batch how the global batch is cut up
 * @param rowCapacity permuted expert rows this rank can hold
 * @param reuseClones whether clones stay in their slots from one micro-batch to the next: in
 *     training if the model says so, never in evaluation
 * @param state flags and counters of the step
 * @param routing takes the counts of every layer, if they are recorded
 */
record StepContext(
    Backend backend,
    Groups groups,
    Arena arena,
    ModelOptions model,
    BatchOptions batch,
    long rowCapacity,
    boolean reuseClones,
    StepState state,
    Optional<RoutingCounts> routing) {

  /** Operations on the compute lane. */
  Ops ops() {
    return backend.ops();
  }

  DType real() {
    return backend.computeType();
  }

  DType master() {
    return backend.masterType();
  }

  /** Tokens of a micro-batch. */
  int tokens() {
    return batch.tokens();
  }
}
