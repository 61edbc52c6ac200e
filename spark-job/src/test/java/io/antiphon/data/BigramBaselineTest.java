package io.antiphon.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.antiphon.data.store.HandmadeStore;
import io.antiphon.data.store.PackedStore;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BigramBaselineTest {
  private final Path directory;

  BigramBaselineTest(@TempDir Path directory) {
    this.directory = directory;
  }

  @Test
  void probabilitiesAreThoseOfAHandCount() throws Exception {
    // Targets whose input is not the end of text 0: 1>2 2>1 1>2 2>0, 1>1 1>3 3>0 (not 0>1).
    List<int[]> sequences = List.of(new int[] {1, 2, 1, 2, 0}, new int[] {1, 1, 3, 0, 1});
    try (PackedStore train = open(5, 0, sequences)) {
      BigramBaseline model = BigramBaseline.of(train);
      // Pairs: 12 twice; 21, 20, 11, 13, 30 once: discount 5 / (5 + 2 * 1).
      double bigram = 5.0 / 7;
      // Unigrams of 7 targets: 0 twice, 1 twice, 2 twice, 3 once: discount 1 / (1 + 2 * 3).
      double unigram = 1.0 / 7;
      double uniform = unigram * 4 / 5;
      double two = (2 - unigram + uniform) / 7;
      double four = uniform / 7;
      assertThat(model.probability(1, 2))
          .isCloseTo((2 - bigram + bigram * 3 * two) / 4, within(1e-15));
      assertThat(model.probability(1, 4)).isCloseTo(bigram * 3 * four / 4, within(1e-15));
      assertThat(model.probability(0, 4)).isCloseTo(four, within(1e-15)); // no such context
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {50, 5000})
  void probabilitiesAfterAnyTokenSumToOne(int vocabulary) throws Exception {
    try (PackedStore train = open(vocabulary, 3, random(vocabulary, 200))) {
      BigramBaseline model = BigramBaseline.of(train);
      for (int previous : new int[] {0, 1, 3, 17, 49}) {
        double sum = 0;
        for (int token = 0; token < vocabulary; token++) {
          double probability = model.probability(previous, token);
          assertThat(probability).isPositive();
          sum += probability;
        }
        assertThat(sum).isCloseTo(1, within(1e-9));
      }
    }
  }

  @Test
  void targetsAfterTheEndOfTextDoNotCount() throws Exception {
    List<int[]> sequences = List.of(new int[] {1, 0, 2, 0, 1}, new int[] {0, 0, 0, 0, 0});
    try (PackedStore store = open(5, 0, sequences)) {
      BigramBaseline.Result result = BigramBaseline.of(store).evaluate(store, 10, 1);
      assertThat(result.targets()).isEqualTo(2); // 1>0 and 2>0
      assertThat(result.trainingTargets()).isEqualTo(2);
    }
  }

  @Test
  void theLossIsPerTokenAndPerByteOfTheSequencesAskedFor() throws Exception {
    try (PackedStore store = open(50, 3, random(50, 200))) {
      BigramBaseline model = BigramBaseline.of(store);
      int[] tokens = new int[store.sequenceLength() + 1];
      double loss = 0;
      int targets = 0;
      for (int i = 0; i < 2; i++) {
        store.read(i, tokens, 0);
        for (int t = 0; t < store.sequenceLength(); t++) {
          if (tokens[t] != 3) {
            loss -= Math.log(model.probability(tokens[t], tokens[t + 1]));
            targets++;
          }
        }
      }
      BigramBaseline.Result result = model.evaluate(store, 2, 4);
      assertThat(result.targets()).isEqualTo(targets);
      assertThat(result.lossPerToken()).isCloseTo(loss / targets, within(1e-12));
      assertThat(result.lossPerByte()).isCloseTo(loss / targets / 4, within(1e-12));
      assertThat(model.evaluate(store, 1000, 4).targets()).isGreaterThan(targets);
    }
  }

  @Test
  void aPredictableTextHasALossNearZero() throws Exception {
    int[] cycle = new int[2001];
    for (int i = 0; i < cycle.length; i++) {
      cycle[i] = 1 + i % 4;
    }
    try (PackedStore store = open(5, 0, List.of(cycle))) {
      assertThat(BigramBaseline.of(store).evaluate(store, 1, 1).lossPerToken()).isLessThan(0.01);
    }
  }

  @Test
  void hashedCountsEqualTheTable() {
    Random random = new Random(11);
    BigramCounts table = new BigramCounts(300, true);
    BigramCounts hashed = new BigramCounts(300, false);
    for (int i = 0; i < 100_000; i++) {
      int first = random.nextInt(300);
      int second = Math.min(random.nextInt(300), random.nextInt(300));
      table.add(first, second);
      hashed.add(first, second);
    }
    for (int first = 0; first < 300; first++) {
      for (int second = 0; second < 300; second++) {
        assertThat(hashed.count(first, second)).isEqualTo(table.count(first, second));
      }
    }
    int[] pairs = new int[2];
    table.forEach((first, second, count) -> pairs[0] += count);
    hashed.forEach((first, second, count) -> pairs[1] += count);
    assertThat(pairs).containsExactly(100_000, 100_000);
  }

  @Test
  void splitsOfOtherTokensAreRejected() throws Exception {
    try (PackedStore train = open(50, 3, random(50, 2))) {
      BigramBaseline model = BigramBaseline.of(train);
      try (PackedStore other = open(51, 3, random(50, 2))) {
        assertThatThrownBy(() -> model.evaluate(other, 1, 1))
            .isInstanceOf(IllegalArgumentException.class);
      }
    }
  }

  private PackedStore open(int vocabulary, int endOfText, List<int[]> sequences) throws Exception {
    return PackedStore.open(
        HandmadeStore.write(directory, vocabulary, endOfText, sequences, 1000), Split.TRAIN);
  }

  private static List<int[]> random(int vocabulary, int sequences) {
    Random random = new Random(23);
    List<int[]> drawn = new ArrayList<>();
    for (int i = 0; i < sequences; i++) {
      int[] tokens = new int[33];
      for (int t = 0; t < tokens.length; t++) {
        tokens[t] = Math.min(random.nextInt(vocabulary), random.nextInt(60)); // few are frequent
      }
      drawn.add(tokens);
    }
    return drawn;
  }
}
