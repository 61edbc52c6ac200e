package io.antiphon.train;

import io.antiphon.model.BatchOptions;
import io.antiphon.model.ModelState;
import io.antiphon.transport.Members;
import io.antiphon.transport.Transport;
import java.util.Arrays;
import java.util.function.IntPredicate;

/**
 * Continues a prompt, one token at a time, by forward passes over the last tokens that fit a
 * sequence. Experts are routed and planned as in training, and no row is dropped.
 *
 * <p>With several ranks each computes the same text, so that each has a token's experts to send
 * rows to; rank 0 chooses the tokens.
 */
public final class TextGenerator implements AutoCloseable {
  private static final long END = -1;

  private final int sequenceLength;
  private final int endOfText;
  private final Members ranks;
  private final boolean chooses;
  private final ForwardPass forward;

  /**
   * @param transport to the other ranks of {@code device}
   * @param capacityFactor rows to begin with, in multiples of the mean load
   */
  public TextGenerator(
      ModelSetup setup,
      RankDevice device,
      ModelState state,
      Transport transport,
      double capacityFactor) {
    sequenceLength = setup.batch().sequenceLength();
    endOfText = setup.model().endOfText();
    ranks = Members.world(transport);
    chooses = ranks.rank() == 0;
    BatchOptions one = new BatchOptions(transport.ranks(), 1, 1, sequenceLength);
    ModelSetup single = new ModelSetup(setup.model(), one, setup.update());
    int expertRanks = device.groups().experts().ranks();
    forward =
        new ForwardPass(single, device, state, single.rowCapacity(capacityFactor, expertRanks));
  }

  /**
   * Generates tokens after {@code prompt}; every rank calls this with the same prompt and number.
   *
   * @param prompt tokens; an empty prompt starts a new document
   * @param tokens at most so many are generated
   * @param sampling used on rank 0
   * @param accept takes each token as it comes, on rank 0; false ends the generation
   */
  public void generate(int[] prompt, int tokens, Sampling sampling, IntPredicate accept) {
    int[] text = prompt.length == 0 ? new int[] {endOfText} : prompt.clone();
    for (int i = 0; i < tokens; i++) {
      double[] logits = logitsAfter(text);
      long next = END;
      if (chooses) {
        int token = sampling.next(logits);
        next = accept.test(token) ? token : END;
      }
      next = ranks.numberOfTheFirst(next);
      if (next == END) {
        return;
      }
      text = Arrays.copyOf(text, text.length + 1);
      text[text.length - 1] = Math.toIntExact(next);
    }
  }

  private double[] logitsAfter(int[] text) {
    int length = Math.min(text.length, sequenceLength);
    int[] window = new int[sequenceLength + 1];
    Arrays.fill(window, endOfText);
    System.arraycopy(text, text.length - length, window, 0, length);
    forward.run(window);
    return forward.logits(length - 1);
  }

  @Override
  public void close() {
    forward.close();
  }
}
