package io.antiphon.train;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Objects;

/** The shipped novels as byte tokens in sequences of one length, read without Spark. */
final class CorpusSequences implements SequenceSource {
  static final int END = 256;
  static final int VOCABULARY = 257;

  private final byte[] text;
  private final int length;

  CorpusSequences(int length) {
    this.length = length;
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (String name : new String[] {"emma.txt", "persuasion.txt"}) {
      try (InputStream book =
          Objects.requireNonNull(CorpusSequences.class.getResourceAsStream("/corpus/" + name))) {
        book.transferTo(all);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    text = all.toByteArray();
  }

  @Override
  public int sequenceLength() {
    return length;
  }

  @Override
  public long sequences() {
    return text.length / (length + 1);
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
    int first = Math.toIntExact(position * (length + 1));
    for (int i = 0; i <= length; i++) {
      tokens[offset + i] = text[first + i] & 0xff;
    }
  }

  @Override
  public void close() {}
}
