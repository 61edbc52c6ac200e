package io.antiphon.train;

import java.util.SplittableRandom;

/** An endless random text with document ends, the same for the same seed. */
final class SyntheticText implements SequenceSource {
  static final int VOCABULARY = 23;
  static final int END = 22;

  private final long seed;

  SyntheticText(long seed) {
    this.seed = seed;
  }

  @Override
  public int sequenceLength() {
    return 16;
  }

  @Override
  public long sequences() {
    return 1000;
  }

  @Override
  public int vocabulary() {
    return VOCABULARY;
  }

  @Override
  public int endOfText() {
    return END;
  }

  @Override
  public void read(long position, int[] tokens, int offset) {
    SplittableRandom random = new SplittableRandom(seed + 1000 * position);
    for (int i = 0; i <= sequenceLength(); i++) {
      tokens[offset + i] = (int) (VOCABULARY * Math.pow(random.nextDouble(), 2.5));
    }
  }

  @Override
  public void close() {}
}
