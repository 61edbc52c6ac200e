package io.antiphon.data.etl;

import static org.assertj.core.api.Assertions.assertThat;

import io.antiphon.data.Texts;
import org.junit.jupiter.api.Test;

class TokenRowsTest {
  @Test
  void longTextsAreCutAfterLinesOrBeforeSpaces() {
    assertThat(TokenRows.segments("aaa bbb\nccc ddd", 10)).containsExactly("aaa bbb\n", "ccc ddd");
    assertThat(TokenRows.segments("aaaa bbbb cccc", 10)).containsExactly("aaaa bbbb", " cccc");
    assertThat(TokenRows.segments("aaa🙂bbb", 4)).containsExactly("aaa", "🙂bb", "b");
    for (int limit = 2; limit < 50; limit++) {
      String text = Texts.of(1, limit).get(0) + "🙂".repeat(9);
      assertThat(String.join("", TokenRows.segments(text, limit))).isEqualTo(text);
    }
  }

  @Test
  void partitionsOfKeysAscend() {
    long[] keys = {Long.MIN_VALUE, -5_000_000_000_000_000_000L, -1, 0, 1, Long.MAX_VALUE};
    int previous = 0;
    for (long key : keys) {
      int partition = TokenRows.partition(key, 10);
      assertThat(partition).isBetween(previous, 9);
      previous = partition;
    }
    assertThat(TokenRows.partition(Long.MIN_VALUE, 10)).isZero();
    assertThat(previous).isEqualTo(9);
  }
}
