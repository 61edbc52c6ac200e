package io.antiphon.data.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EpochOrderTest {

  @ParameterizedTest
  @CsvSource({"1,1", "7,1", "100,16", "96,16", "15,16", "1000,64", "17,16"})
  void everyEpochIsAPermutation(int sequences, int block) {
    EpochOrder order = EpochOrder.reshuffled(sequences, block, 99);
    for (int epoch = 0; epoch < 5; epoch++) {
      long[] sorted = epoch(order, sequences, epoch);
      Arrays.sort(sorted);
      assertThat(sorted).isEqualTo(LongStream.range(0, sequences).toArray());
    }
  }

  @Test
  void theFirstEpochIsTheStoredOrderAndLaterOnesDiffer() {
    EpochOrder order = EpochOrder.reshuffled(1000, 16, 3);
    long[] first = epoch(order, 1000, 0);
    long[] second = epoch(order, 1000, 1);
    assertThat(first).isSorted();
    assertThat(second).isNotEqualTo(first).isNotEqualTo(epoch(order, 1000, 2));
    assertThat(epoch(EpochOrder.reshuffled(1000, 16, 4), 1000, 1)).isNotEqualTo(second);
  }

  @Test
  void anyPositionIsReachedWithoutTheOnesBefore() {
    long[] walked = epoch(EpochOrder.reshuffled(100, 16, 3), 100, 2);
    for (int place : new int[] {99, 0, 50}) {
      EpochOrder fresh = EpochOrder.reshuffled(100, 16, 3);
      assertThat(fresh.stored(200 + place)).isEqualTo(walked[place]);
    }
  }

  @Test
  void aBlockStaysInARangeOfItsLength() {
    long[] second = epoch(EpochOrder.reshuffled(160, 16, 3), 160, 1);
    for (int block = 0; block < 10; block++) {
      long[] stored = Arrays.copyOfRange(second, block * 16, block * 16 + 16);
      long start = stored[0] - 15;
      boolean together = false;
      for (long at = start; at <= stored[0]; at++) {
        long from = at;
        together |= Arrays.stream(stored).allMatch(i -> Math.floorMod(i - from, 160) < 16);
      }
      assertThat(together).as("block %d", block).isTrue();
    }
  }

  @Test
  void theStoredOrderRepeats() {
    EpochOrder order = EpochOrder.asStored(5);
    assertThat(epoch(order, 5, 3)).isEqualTo(epoch(order, 5, 0));
  }

  private static long[] epoch(EpochOrder order, int sequences, int epoch) {
    long first = (long) epoch * sequences;
    return LongStream.range(first, first + sequences).map(order::stored).toArray();
  }
}
