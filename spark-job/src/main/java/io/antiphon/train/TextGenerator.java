package io.antiphon.train;

import io.antiphon.model.BatchOptions;
import io.antiphon.model.EvaluationStep;
import io.antiphon.model.ModelState;
import java.util.Arrays;
import java.util.function.IntPredicate;

/**
 * Continues a prompt, one token at a time, by forward passes over the last tokens that fit a
 * sequence. Experts are routed and planned as in training; the rows of one rank always fit.
 */
public final class TextGenerator implements AutoCloseable {
  private final int sequenceLength;
  private final int endOfText;
  private final EvaluationStep step;

  /**
   * @param state of a single rank that holds all experts
   */
  public TextGenerator(ModelSetup setup, RankDevice device, ModelState state) {
    sequenceLength = setup.batch().sequenceLength();
    endOfText = setup.model().endOfText();
    BatchOptions one = new BatchOptions(1, 1, 1, sequenceLength);
    ModelSetup single = new ModelSetup(setup.model(), one, setup.update());
    step = new EvaluationStep(state, device.groups(), one, single.mostRows(1));
  }

  /**
   * Generates tokens after {@code prompt}.
   *
   * @param prompt tokens; an empty prompt starts a new document
   * @param tokens at most so many are generated
   * @param accept takes each token as it comes; false ends the generation
   */
  public void generate(int[] prompt, int tokens, Sampling sampling, IntPredicate accept) {
    int[] text = prompt.length == 0 ? new int[] {endOfText} : prompt.clone();
    for (int i = 0; i < tokens; i++) {
      int next = sampling.next(logitsAfter(text));
      if (!accept.test(next)) {
        return;
      }
      text = Arrays.copyOf(text, text.length + 1);
      text[text.length - 1] = next;
    }
  }

  private double[] logitsAfter(int[] text) {
    int length = Math.min(text.length, sequenceLength);
    int[] window = new int[sequenceLength + 1];
    Arrays.fill(window, endOfText);
    System.arraycopy(text, text.length - length, window, 0, length);
    step.run(TokenBytes.of(window));
    return step.logits(length - 1);
  }

  @Override
  public void close() {
    step.close();
  }
}
