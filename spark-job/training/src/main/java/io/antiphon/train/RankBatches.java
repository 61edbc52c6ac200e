package io.antiphon.train;

import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * One rank's share of every global batch, read ahead by one thread.
 *
 * <p>Global batch {@code s} covers positions {@code [s * G, (s + 1) * G)} of the source, and
 * micro-batch {@code m} of rank {@code r} the {@code M} positions from {@code s * G + (m * ranks +
 * r) * M}. So the batch of a step depends on the step alone: resuming is opening at that step.
 *
 * <p>A ring of arrays goes round between the reading thread and the caller. It grows only where the
 * caller keeps more batches than ever before, so nothing is allocated per step. A failure of the
 * source surfaces in {@link #next} of the step it concerns.
 */
public final class RankBatches implements BatchSource {
  private static final Duration CLOSE_LIMIT = Duration.ofSeconds(30);
  private static final int[] END = {};

  /**
   * Which sequences of a global batch one rank trains on.
   *
   * @param rank this rank, in {@code [0, ranks)}
   * @param ranks all ranks of the run
   * @param globalBatch sequences per step over all ranks; a multiple of {@code ranks * microBatch}
   * @param microBatch sequences per rank and micro-batch
   */
  public record Share(int rank, int ranks, int globalBatch, int microBatch) {
    public Share {
      if (ranks < 1 || rank < 0 || rank >= ranks) {
        throw new IllegalArgumentException("rank " + rank + " is not in [0, " + ranks + ")");
      }
      if (microBatch < 1 || globalBatch < 1 || globalBatch % ((long) ranks * microBatch) != 0) {
        throw new IllegalArgumentException(
            "global batch "
                + globalBatch
                + " is not a positive multiple of "
                + ranks
                + " ranks * micro-batch "
                + microBatch);
      }
    }

    /** Micro-batches per step on each rank. */
    public int microBatches() {
      return globalBatch / (ranks * microBatch);
    }

    /** Global position of the first sequence of a micro-batch of this rank. */
    public long position(long step, int micro) {
      long inBatch = ((long) micro * ranks + rank) * microBatch;
      return Math.addExact(Math.multiplyExact(step, (long) globalBatch), inBatch);
    }
  }

  private final SequenceSource source;
  private final Share share;
  private final int sequenceTokens;
  private final BlockingQueue<int[]> empty = new LinkedBlockingQueue<>();
  private final BlockingQueue<int[]> filled = new LinkedBlockingQueue<>();
  private final FutureTask<Boolean> reading;
  private final Thread thread;
  private int lent;
  private int lentAtMost = 1;
  private long step;
  private boolean closed;

  private RankBatches(SequenceSource source, Share share, long firstStep, int prefetch) {
    this.source = source;
    this.share = share;
    this.step = firstStep;
    this.sequenceTokens = source.sequenceLength() + 1;
    for (int i = 0; i < prefetch + lentAtMost; i++) {
      empty.add(newBatch());
    }
    this.reading = new FutureTask<>(() -> readAhead(firstStep), true);
    this.thread = new Thread(reading, "batches-rank-" + share.rank());
    thread.setDaemon(true);
  }

  private int[] newBatch() {
    int sequences = share.microBatches() * share.microBatch();
    return new int[Math.multiplyExact(sequences, sequenceTokens)];
  }

  /**
   * Starts reading ahead.
   *
   * @param source handed over: the reading thread uses and closes it
   * @param firstStep 0-based step of the first batch; a resumed run gives the step it stopped at
   * @param prefetch batches read ahead at most, at least 1
   * @throws IllegalArgumentException if the source is empty or a number is out of range; the source
   *     stays with the caller
   */
  public static RankBatches open(SequenceSource source, Share share, long firstStep, int prefetch) {
    if (source.sequences() < 1) {
      throw new IllegalArgumentException("the source has no sequences");
    }
    if (firstStep < 0 || prefetch < 1) {
      throw new IllegalArgumentException(
          "first step " + firstStep + " must be >= 0 and prefetch " + prefetch + " >= 1");
    }
    RankBatches batches = new RankBatches(source, share, firstStep, prefetch);
    batches.thread.start();
    return batches;
  }

  @Override
  public long step() {
    return step;
  }

  /**
   * {@inheritDoc}
   *
   * @throws IllegalStateException if this is closed
   * @throws CancellationException if the calling thread is interrupted
   */
  @Override
  public int[] next() {
    if (closed) {
      throw new IllegalStateException("batches of rank " + share.rank() + " are closed");
    }
    try {
      if (lent == lentAtMost) {
        empty.add(newBatch()); // so that reading goes on while the caller keeps all of these
        lentAtMost++;
      }
      int[] batch = filled.take();
      if (batch == END) { // the marker itself
        filled.add(END); // further calls fail the same way
        reading.get();
        throw new IllegalStateException("reading ended without a failure");
      }
      lent++;
      step++;
      return batch;
    } catch (ExecutionException failure) {
      throw original(failure);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new CancellationException(
          "rank " + share.rank() + " was interrupted waiting for the batch of step " + step);
    }
  }

  @Override
  public void giveBack(int[] batch) {
    lent--;
    empty.add(batch);
  }

  /** Stops the reading thread, which closes the source, and waits for it. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    thread.interrupt();
    boolean interrupted = false;
    long deadline = System.nanoTime() + CLOSE_LIMIT.toNanos();
    while (thread.isAlive() && System.nanoTime() < deadline) {
      try {
        thread.join(Math.max(1, (deadline - System.nanoTime()) / 1_000_000));
      } catch (InterruptedException again) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    if (thread.isAlive()) {
      throw new IllegalStateException(
          thread.getName() + " did not stop within " + CLOSE_LIMIT.toSeconds() + " s");
    }
  }

  private void readAhead(long firstStep) {
    try (SequenceSource owned = source) {
      for (long next = firstStep; ; next++) {
        int[] batch = empty.take();
        fill(owned, next, batch);
        filled.add(batch);
      }
    } catch (InterruptedException closing) {
      Thread.currentThread().interrupt(); // only close() interrupts this thread
    } finally {
      filled.add(END);
    }
  }

  private void fill(SequenceSource from, long ofStep, int[] batch) {
    int offset = 0;
    for (int micro = 0; micro < share.microBatches(); micro++) {
      long position = share.position(ofStep, micro);
      for (int sequence = 0; sequence < share.microBatch(); sequence++) {
        from.read(position + sequence, batch, offset);
        offset += sequenceTokens;
      }
    }
  }

  private static RuntimeException original(ExecutionException failure) {
    if (failure.getCause() instanceof Error error) {
      throw error;
    }
    return failure.getCause() instanceof RuntimeException cause
        ? cause
        : new IllegalStateException(failure);
  }
}
