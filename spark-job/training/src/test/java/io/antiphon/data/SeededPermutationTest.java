package io.antiphon.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.BitSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SeededPermutationTest {

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 16, 17, 1000, 4096, 4097})
  void mapsEveryIndexToAnotherAndBack(long size) {
    for (long seed : new long[] {0, 1, -7}) {
      SeededPermutation permutation = new SeededPermutation(size, seed);
      BitSet images = new BitSet();
      for (long i = 0; i < size; i++) {
        long image = permutation.apply(i);
        images.set(Math.toIntExact(image));
        assertThat(permutation.invert(image)).as("seed %d", seed).isEqualTo(i);
      }
      assertThat(images.cardinality()).as("seed %d", seed).isEqualTo((int) size);
    }
  }

  @Test
  void spreadsNeighboursOverTheWholeRange() {
    long size = 100_000;
    SeededPermutation permutation = new SeededPermutation(size, 42);
    int[] quarters = new int[4];
    for (long i = 0; i < 4000; i++) {
      quarters[(int) (permutation.apply(i) * 4 / size)]++;
    }
    // Binomial(4000, 1/4): mean 1000, standard deviation 27; six of them either way.
    for (int quarter : quarters) {
      assertThat(quarter).isBetween(836, 1164);
    }
  }

  @Test
  void reachesHugeRanges() {
    SeededPermutation permutation = new SeededPermutation(1L << 60, 5);
    long image = permutation.apply((1L << 60) - 1);
    assertThat(permutation.invert(image)).isEqualTo((1L << 60) - 1);
  }

  @Test
  void rejectsIndicesOutsideTheRange() {
    SeededPermutation permutation = new SeededPermutation(10, 1);
    assertThatThrownBy(() -> permutation.apply(10)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> permutation.invert(-1)).isInstanceOf(IllegalArgumentException.class);
  }
}
