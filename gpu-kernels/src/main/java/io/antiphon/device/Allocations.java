package io.antiphon.device;

import java.lang.ref.Cleaner;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What one user of a device holds there, so that a leak can be told with what leaked. Notes a few
 * words for each block; and, if asked to, the stack where it was allocated. A block whose owner was
 * collected without having been closed is told of at once. Nothing is ever freed here: the thread
 * that collects garbage does not know which work still uses the memory.
 */
final class Allocations {
  private static final Cleaner CLEANER = Cleaner.create();

  private final String device;
  private final boolean traced;
  private final Consumer<String> reports;
  private final AtomicLong ids = new AtomicLong();
  private final Map<Long, Entry> open = new ConcurrentSkipListMap<>();

  /**
   * @param device for people
   * @param traced whether the stack of every allocation is kept
   * @param reports takes what is to be told, in any thread
   */
  Allocations(String device, boolean traced, Consumer<String> reports) {
    this.device = device;
    this.traced = traced;
    this.reports = reports;
  }

  /** One block. */
  final class Entry {
    private final long id;
    private final String what;
    private final long bytes;
    private final @Nullable Throwable place;

    private Entry(long id, String what, long bytes, @Nullable Throwable place) {
      this.id = id;
      this.what = what;
      this.bytes = bytes;
      this.place = place;
    }

    /** The block was given back, or is meant to be kept until the process ends. */
    void settle() {
      open.remove(id);
    }

    private void tellIfForgotten() {
      if (open.remove(id) != null) {
        reports.accept(device + ": nobody closed " + this);
      }
    }

    @Override
    public String toString() {
      StringBuilder text = new StringBuilder();
      text.append("block %d, %d bytes for %s".formatted(id, bytes, what));
      if (place == null) {
        return text.append(" (run java with -ea to see where it was allocated)").toString();
      }
      text.append(", allocated");
      for (StackTraceElement element : place.getStackTrace()) {
        text.append("\n  at ").append(element);
      }
      return text.toString();
    }
  }

  /**
   * Notes a block.
   *
   * @param owner who closes it; if it is collected before, that is told
   * @param what for people
   */
  Entry add(Object owner, String what, long bytes) {
    long id = ids.incrementAndGet();
    Entry entry = new Entry(id, what, bytes, traced ? new Throwable() : null);
    open.put(id, entry);
    CLEANER.register(owner, entry::tellIfForgotten);
    return entry;
  }

  /** Tells of all blocks that are held although the device is given back. */
  void tellOfLeaks() {
    List<Entry> leaked = new ArrayList<>(open.values());
    if (leaked.isEmpty()) {
      return;
    }
    long bytes = leaked.stream().mapToLong(entry -> entry.bytes).sum();
    StringBuilder text = new StringBuilder(device);
    text.append(" was given back with %d bytes in %d blocks".formatted(bytes, leaked.size()));
    leaked.forEach(entry -> text.append("\n").append(entry));
    reports.accept(text.toString());
    open.clear();
  }
}
