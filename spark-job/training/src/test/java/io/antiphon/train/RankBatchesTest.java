package io.antiphon.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class RankBatchesTest {
  private static final int LENGTH = 3;

  @Test
  void ranksShareEveryGlobalBatchByTheFormula() {
    // G = 12, M = 2, 3 ranks: 2 micro-batches; rank 1 has positions s*12 + (m*3 + 1)*2 + {0, 1}.
    RankBatches.Share share = new RankBatches.Share(1, 3, 12, 2);
    try (RankBatches batches = RankBatches.open(new Positions(1000), share, 0, 2)) {
      assertThat(firsts(batches.next())).containsExactly(2, 3, 8, 9);
      assertThat(firsts(batches.next())).containsExactly(14, 15, 20, 21);
      assertThat(batches.step()).isEqualTo(2);
    }
  }

  @Test
  void fewerRanksReadTheSameGlobalBatch() {
    List<Integer> two = new ArrayList<>();
    for (int rank = 0; rank < 2; rank++) {
      two.addAll(read(new RankBatches.Share(rank, 2, 8, 2), 5));
    }
    assertThat(two).containsExactlyInAnyOrderElementsOf(read(new RankBatches.Share(0, 1, 8, 2), 5));
  }

  @Test
  void aResumedRunReadsOnWhereTheFirstStopped() {
    RankBatches.Share share = new RankBatches.Share(1, 2, 8, 2);
    List<List<Integer>> whole = new ArrayList<>();
    try (RankBatches batches = RankBatches.open(new Positions(7), share, 0, 3)) {
      for (int step = 0; step < 6; step++) {
        whole.add(firsts(batches.next()));
      }
    }
    try (RankBatches batches = RankBatches.open(new Positions(7), share, 4, 1)) {
      assertThat(batches.step()).isEqualTo(4);
      assertThat(firsts(batches.next())).isEqualTo(whole.get(4));
      assertThat(firsts(batches.next())).isEqualTo(whole.get(5));
    }
  }

  @Test
  void aBatchStaysUntilItIsGivenBackHoweverManyTheCallerKeeps() throws Exception {
    Positions source = new Positions(1000);
    RankBatches.Share share = new RankBatches.Share(0, 1, 2, 1);
    try (RankBatches batches = RankBatches.open(source, share, 0, 1)) {
      int[] first = batches.next();
      int[] second = batches.next();
      int[] third = batches.next();
      assertThat(source.reached(6).await(10, TimeUnit.SECONDS)).isTrue(); // one batch ahead
      assertThat(firsts(first)).containsExactly(0, 1);
      assertThat(firsts(second)).containsExactly(2, 3);
      assertThat(firsts(third)).containsExactly(4, 5);
    }
  }

  @Test
  void batchesThatWereGivenBackAreFilledAgain() {
    RankBatches.Share share = new RankBatches.Share(0, 1, 2, 1);
    Set<int[]> arrays = Collections.newSetFromMap(new IdentityHashMap<>());
    try (RankBatches batches = RankBatches.open(new Positions(1000), share, 0, 2)) {
      Deque<int[]> kept = new ArrayDeque<>();
      for (int step = 0; step < 40; step++) {
        kept.add(batches.next());
        arrays.add(kept.getLast());
        assertThat(firsts(kept.getLast())).containsExactly(2 * step, 2 * step + 1);
        if (kept.size() == 3) {
          batches.giveBack(kept.remove());
        }
      }
    }
    assertThat(arrays).hasSizeLessThanOrEqualTo(2 + 3);
  }

  @Test
  void readingStaysWithinThePrefetch() throws Exception {
    Positions source = new Positions(1000);
    RankBatches.Share share = new RankBatches.Share(0, 1, 1, 1);
    try (RankBatches batches = RankBatches.open(source, share, 0, 3)) {
      assertThat(source.reached(2).await(10, TimeUnit.SECONDS)).isTrue();
      batches.next();
      assertThat(source.reached(4).await(200, TimeUnit.MILLISECONDS)).isFalse();
    }
  }

  @Test
  void aFailureOfTheSourceSurfacesAtItsStep() {
    Positions source = new Positions(1000);
    source.failAt = 4;
    RankBatches.Share share = new RankBatches.Share(0, 1, 2, 1);
    try (RankBatches batches = RankBatches.open(source, share, 0, 8)) {
      assertThat(firsts(batches.next())).containsExactly(0, 1);
      assertThat(firsts(batches.next())).containsExactly(2, 3);
      assertThatThrownBy(batches::next).isInstanceOf(Broken.class).hasMessage("position 4");
      assertThatThrownBy(batches::next).isInstanceOf(Broken.class);
    }
    assertThat(source.closed).isTrue();
  }

  @Test
  void closingStopsTheThreadAndClosesTheSource() {
    Positions source = new Positions(1000);
    RankBatches batches = RankBatches.open(source, new RankBatches.Share(0, 1, 2, 1), 0, 2);
    batches.next();
    batches.close();
    batches.close();
    assertThat(source.closed).isTrue();
    assertThat(Thread.getAllStackTraces().keySet())
        .noneMatch(thread -> thread.getName().equals("batches-rank-0"));
    assertThatThrownBy(batches::next).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void impossibleSharesAreRejected() {
    assertThatThrownBy(() -> new RankBatches.Share(0, 2, 6, 2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("multiple of 2 ranks * micro-batch 2");
    assertThatThrownBy(() -> new RankBatches.Share(2, 2, 4, 1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(
            () -> RankBatches.open(new Positions(0), new RankBatches.Share(0, 1, 1, 1), 0, 1))
        .isInstanceOf(IllegalArgumentException.class);
  }

  private static List<Integer> read(RankBatches.Share share, int steps) {
    List<Integer> all = new ArrayList<>();
    try (RankBatches batches = RankBatches.open(new Positions(1000), share, 0, 2)) {
      for (int step = 0; step < steps; step++) {
        all.addAll(firsts(batches.next()));
      }
    }
    return all;
  }

  private static List<Integer> firsts(int[] batch) {
    List<Integer> firsts = new ArrayList<>();
    for (int i = 0; i < batch.length; i += LENGTH + 1) {
      firsts.add(batch[i]);
    }
    return firsts;
  }

  private static final class Broken extends RuntimeException {
    private static final long serialVersionUID = 1;

    Broken(long position) {
      super("position " + position);
    }
  }

  /** Sequences whose first token is their position, modulo the epoch. */
  private static final class Positions implements SequenceSource {
    private final long sequences;
    private final CountDownLatch[] reached = new CountDownLatch[8];
    private long failAt = Long.MAX_VALUE;
    private volatile boolean closed;

    Positions(long sequences) {
      this.sequences = sequences;
      for (int i = 0; i < reached.length; i++) {
        reached[i] = new CountDownLatch(1);
      }
    }

    CountDownLatch reached(int position) {
      return reached[position];
    }

    @Override
    public int sequenceLength() {
      return LENGTH;
    }

    @Override
    public long sequences() {
      return sequences;
    }

    @Override
    public int vocabulary() {
      return 1000;
    }

    @Override
    public int endOfText() {
      return 999;
    }

    @Override
    public void read(long position, int[] tokens, int offset) {
      if (position >= failAt) {
        throw new Broken(position);
      }
      for (int i = 0; i <= LENGTH; i++) {
        tokens[offset + i] = (int) (position % sequences) + i;
      }
      if (position < reached.length) {
        reached[(int) position].countDown();
      }
    }

    @Override
    public void close() {
      closed = true;
    }
  }
}
