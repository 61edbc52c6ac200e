package io.antiphon.simulate;

import io.antiphon.trace.CountMatrix;
import io.antiphon.trace.RoutingRecord;
import io.antiphon.trace.RoutingTrace;
import io.antiphon.trace.TraceException;
import java.util.Locale;
import java.util.Optional;

/** The counts of a trace, all of one size and in the order of their steps. */
public final class TraceSource implements SampleSource {
  private final RoutingTrace trace;
  private final int ranks;
  private final int experts;
  private Optional<RoutingRecord> next;
  private long lastStep;

  /**
   * Reads the first record, which says how large the group is. Closes the trace with itself.
   *
   * @throws TraceException if there is none
   */
  public TraceSource(RoutingTrace trace) {
    this.trace = trace;
    this.next = trace.next();
    CountMatrix first =
        next.orElseThrow(
                () ->
                    bad(
                        "%s: holds no counts. Write one object {\"step\": 0, \"layer\": 0,"
                            + " \"counts\": [[...], ...]} per line.",
                        trace.name()))
            .counts();
    this.ranks = first.ranks();
    this.experts = first.experts();
    if (ranks > WorkloadOptions.MAX_RANKS || experts > WorkloadOptions.MAX_EXPERTS) {
      throw bad(
          "%s: %d ranks and %d experts; the limits are %d and %d. Use a smaller group.",
          trace.name(), ranks, experts, WorkloadOptions.MAX_RANKS, WorkloadOptions.MAX_EXPERTS);
    }
  }

  @Override
  public String description() {
    return trace.name();
  }

  @Override
  public int ranks() {
    return ranks;
  }

  @Override
  public int experts() {
    return experts;
  }

  @Override
  public long size() {
    return 0;
  }

  @Override
  public Optional<Sample> next() {
    if (next.isEmpty()) {
      return Optional.empty();
    }
    RoutingRecord routing = next.get();
    CountMatrix counts = routing.counts();
    if (counts.ranks() != ranks || counts.experts() != experts) {
      throw bad(
          "%s: %d ranks and %d experts, the first matrix has %d and %d. Simulate runs of different"
              + " size apart.",
          routing.source(), counts.ranks(), counts.experts(), ranks, experts);
    }
    if (routing.step() < lastStep) {
      throw bad(
          "%s: step %d comes after step %d. Sort the trace by step.",
          routing.source(), routing.step(), lastStep);
    }
    lastStep = routing.step();
    next = trace.next();
    return Optional.of(new Recorded(routing));
  }

  @SuppressWarnings("AnnotateFormatMethod") // the annotation is a library's
  private static TraceException bad(String message, Object... values) {
    return new TraceException(String.format(Locale.ROOT, message, values));
  }

  @Override
  public void close() {
    trace.close();
  }

  private record Recorded(RoutingRecord routing) implements Sample {
    @Override
    public long step() {
      return routing.step();
    }

    @Override
    public int layer() {
      return routing.layer();
    }

    @Override
    public void fill(int[] counts) {
      int[] recorded = routing.counts().toArray();
      System.arraycopy(recorded, 0, counts, 0, counts.length);
    }
  }
}
