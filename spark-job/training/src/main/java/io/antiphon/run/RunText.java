package io.antiphon.run;

import io.antiphon.conf.Settings;
import io.antiphon.data.BigramBaseline;
import io.antiphon.data.Split;
import io.antiphon.data.tokenizer.Vocabulary;
import io.antiphon.train.RunFacts;
import io.antiphon.train.SequenceSource;
import java.io.Serializable;

/** The tokens of a run, prepared; travels to the ranks, each of which opens its own view. */
public interface RunText extends Serializable {
  /**
   * Opens a split.
   *
   * @throws io.antiphon.data.DataException if it has no sequence, or cannot be read
   */
  SequenceSource open(Split split);

  /** Sequences of a split in one epoch; 0 if it is empty. */
  long sequences(Split split);

  /** Mean UTF-8 bytes of text per token of a split. */
  double bytesPerToken(Split split);

  /** What a run is measured on: the validation split, or where it is empty the training split. */
  default Split measured() {
    return sequences(Split.VALIDATION) > 0 ? Split.VALIDATION : Split.TRAIN;
  }

  /** The tokens that can occur. */
  default Vocabulary vocabulary() {
    try (SequenceSource train = open(Split.TRAIN)) {
      return new Vocabulary(train.vocabulary(), train.endOfText());
    }
  }

  /** What the text tells about a run that trains on it; takes a pass over much of it. */
  default RunFacts facts(Settings settings) {
    double bytesPerToken = bytesPerToken(measured());
    if (measured() == Split.TRAIN) {
      return new RunFacts(bytesPerToken, Double.NaN);
    }
    try (SequenceSource train = open(Split.TRAIN);
        SequenceSource validation = open(Split.VALIDATION)) {
      BigramBaseline.Result bigram =
          BigramBaseline.of(train)
              .evaluate(validation, settings.data().validationSequences(), bytesPerToken);
      return new RunFacts(bytesPerToken, bigram.lossPerToken());
    }
  }
}
