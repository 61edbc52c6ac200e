package io.antiphon.run;

import io.antiphon.data.tokenizer.TokenizerDescription;
import io.antiphon.train.TrainingData;

/**
 * A text that ranks can read.
 *
 * @param text as it travels to them
 * @param identity what it holds, whatever it is called
 * @param tokenizer that made its tokens
 */
public record PreparedText(RunText text, TrainingData identity, TokenizerDescription tokenizer) {}
