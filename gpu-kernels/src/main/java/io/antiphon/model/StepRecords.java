package io.antiphon.model;

import io.antiphon.tensor.Arena;
import io.antiphon.tensor.Backend;
import io.antiphon.tensor.CommException;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.Ops;
import io.antiphon.tensor.Shape;
import io.antiphon.tensor.StepState;
import io.antiphon.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/**
 * The records of the last replays of a step, in memory that the device writes and the host looks
 * at. Each has a mark, written after it: the number of its replay. The host waits for a mark by
 * looking, so it makes no call that waits for the device.
 */
final class StepRecords {
  /** Longest that a replay may take once it is asked for its record. */
  private static final Duration LIMIT = Duration.ofMinutes(30);

  /** How often a device is asked whether it still works: one that fails leaves no record. */
  private static final Duration QUESTION = Duration.ofSeconds(1);

  /** A step about to end is waited for without sleeping. */
  private static final Duration BUSY_WAIT = Duration.ofNanos(50_000);

  private static final Duration PAUSE = Duration.ofNanos(50_000);

  private final Backend backend;
  private final StepRecord.Layout layout;
  private final Tensor ring;
  private final Tensor mark;
  private final Tensor marks;

  /**
   * @param kept replays whose records are kept
   */
  StepRecords(Arena arena, Backend backend, StepRecord.Layout layout, int kept) {
    this.backend = backend;
    this.layout = layout;
    ring = arena.hostVisible("records", DType.F64, Shape.of(kept, layout.length()));
    mark = arena.own("replay-mark", Arena.Category.INPUT_OUTPUT, DType.F64, Shape.of(1));
    marks = arena.hostVisible("record-marks", DType.F64, Shape.of(kept, 1));
  }

  /** Enqueues the copy of a replay's record to where the host sees it. */
  void push(Ops ops, Tensor record, StepState step) {
    ops.push(record, step, ring);
    // Enqueued after the record, so that the host finds the record complete once it sees the mark.
    ops.copy(step.counters().range(3, 1), mark);
    ops.push(mark, step, marks);
  }

  /**
   * Reads the record of a replay, waiting for it if need be.
   *
   * @param replay 0-based index among all replays, one of the last
   * @param reusedBytes as {@link SlotPool#reusedBytes}
   * @throws CommException if the ranks have lost each other
   */
  StepRecord read(long replay, long reusedBytes) {
    int slot = Math.toIntExact(replay % ring.shape().extent(0));
    await(slot, replay + 1);
    return new StepRecord(peek(ring.rows(slot, 1)), layout, reusedBytes);
  }

  private void await(int slot, long replays) {
    Tensor seen = marks.rows(slot, 1);
    long start = System.nanoTime();
    long nextQuestion = QUESTION.toNanos();
    while (peek(seen)[0] != replays) {
      backend.requireHealthy();
      long waited = System.nanoTime() - start;
      if (waited > nextQuestion) {
        backend.requireAlive();
        nextQuestion = waited + QUESTION.toNanos();
      }
      if (waited > LIMIT.toNanos()) {
        backend.synchronize(Duration.ZERO); // fails if the step has not ended
        throw new IllegalStateException(
            "replay " + (replays - 1) + " left no record within " + LIMIT.toSeconds() + " s");
      }
      if (waited > BUSY_WAIT.toNanos()) {
        LockSupport.parkNanos(PAUSE.toNanos());
      }
    }
    backend.requireHealthy();
  }

  private double[] peek(Tensor tensor) {
    double[] values = new double[Math.toIntExact(tensor.elements())];
    ByteBuffer bytes =
        ByteBuffer.allocate(values.length * Double.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    backend.hostIo().peek(tensor, 0, bytes);
    bytes.flip().asDoubleBuffer().get(values);
    return values;
  }
}
