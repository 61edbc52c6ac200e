package io.antiphon.train;

import io.antiphon.train.checkpoint.CheckpointManifest;
import io.antiphon.train.checkpoint.Scalars;
import java.io.Serializable;
import java.util.Optional;

/**
 * What a run is trained on, whatever it is called and wherever it lies.
 *
 * @param sequences equal if every position of the order holds the same tokens, in both splits
 * @param tokenizer equal if every token means the same
 */
public record TrainingData(String sequences, String tokenizer) implements Serializable {
  /** Begins {@link #sequences} of a run without Spark, which has an order of its own. */
  public static final String WITHOUT_SPARK = "without-spark:";

  private static final String SEQUENCES = "sequencesDigest";
  private static final String TOKENIZER = "tokenizerDigest";

  /** Reads it from a checkpoint; empty for one of an earlier version. */
  public static Optional<TrainingData> of(CheckpointManifest manifest) {
    Scalars scalars = manifest.meta().scalars();
    return scalars.names().contains(SEQUENCES)
        ? Optional.of(new TrainingData(scalars.text(SEQUENCES), scalars.text(TOKENIZER)))
        : Optional.empty();
  }

  /** The scalars of a checkpoint that tells of this. */
  Scalars addTo(Scalars scalars) {
    return scalars.withText(SEQUENCES, sequences).withText(TOKENIZER, tokenizer);
  }
}
