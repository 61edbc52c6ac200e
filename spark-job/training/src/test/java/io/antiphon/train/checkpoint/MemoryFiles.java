package io.antiphon.train.checkpoint;

import java.io.ByteArrayOutputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Files in memory whose process can be made to crash, or one operation to fail.
 *
 * <p>As a file system it renames directories atomically and shows files while they are written. As
 * an object store it renames nothing and shows only complete files. Deleting a directory is one
 * operation per file in it.
 */
final class MemoryFiles implements CheckpointFiles {
  /** What happens at the chosen operation. */
  enum Fault {
    /** It does not happen, and neither does anything after it. */
    CRASH,
    /** It does not happen and is reported so. */
    REFUSED,
    /** It happens but is reported as failed. */
    UNCERTAIN
  }

  /** The contents by path; a directory ends in a slash. */
  private final TreeMap<String, byte[]> contents = new TreeMap<>();

  private final boolean objectStore;
  private Fault fault = Fault.CRASH;
  private long operationsLeft = Long.MAX_VALUE;
  private boolean fired;

  private MemoryFiles(boolean objectStore) {
    this.objectStore = objectStore;
  }

  static MemoryFiles fileSystem() {
    return new MemoryFiles(false);
  }

  static MemoryFiles objectStore() {
    return new MemoryFiles(true);
  }

  /** Plans a fault at the operation after the next {@code operations}. */
  synchronized void failAfter(long operations, Fault fault) {
    this.operationsLeft = operations;
    this.fault = fault;
    fired = false;
  }

  /** Ends the fault, as a restarted process would; says whether it had happened. */
  synchronized boolean recover() {
    operationsLeft = Long.MAX_VALUE;
    boolean result = fired;
    fired = false;
    return result;
  }

  synchronized byte[] bytes(String path) {
    byte[] bytes = contents.get(path);
    if (bytes == null) {
      throw new AssertionError("no file " + path + " in " + contents.keySet());
    }
    return bytes.clone();
  }

  synchronized void put(String path, byte[] bytes) {
    contents.put(path, bytes.clone());
  }

  /** All files, without directories. */
  synchronized List<String> paths() {
    return contents.keySet().stream().filter(path -> !path.endsWith("/")).toList();
  }

  @Override
  public String location(String path) {
    return "memory:/" + CheckpointFiles.requireRelative(path);
  }

  @Override
  public synchronized List<String> list(String directory) throws IOException {
    requireAlive();
    String prefix = directory.isEmpty() ? "" : directory + "/";
    TreeSet<String> names = new TreeSet<>();
    for (String path : contents.keySet()) {
      if (path.startsWith(prefix) && path.length() > prefix.length()) {
        String rest = path.substring(prefix.length());
        int slash = rest.indexOf('/');
        names.add(slash < 0 ? rest : rest.substring(0, slash));
      }
    }
    return List.copyOf(names);
  }

  @Override
  public synchronized boolean exists(String path) throws IOException {
    requireAlive();
    return contents.containsKey(path) || contents.containsKey(path + "/") || hasChildren(path);
  }

  @Override
  public synchronized long size(String path) throws IOException {
    requireAlive();
    return existing(path).length;
  }

  @Override
  public synchronized void createDirectories(String directory) throws IOException {
    act(
        () -> {
          if (!objectStore) {
            contents.put(directory + "/", new byte[0]);
          }
        });
  }

  @Override
  public synchronized Sink create(String path) throws IOException {
    if (!objectStore) {
      int slash = path.lastIndexOf('/');
      if (slash >= 0 && !contents.containsKey(path.substring(0, slash + 1))) {
        throw new FileNotFoundException("no directory for " + path);
      }
      act(() -> contents.put(path, new byte[0]));
    }
    return new MemorySink(path);
  }

  @Override
  public synchronized Source open(String path) throws IOException {
    requireAlive();
    byte[] bytes = existing(path);
    return new Source() {
      @Override
      public int read(long position, ByteBuffer target) {
        if (position >= bytes.length) {
          return -1;
        }
        // Never all at once: callers must take short reads.
        int count = (int) Math.min(Math.min(target.remaining(), 1000), bytes.length - position);
        target.put(bytes, (int) position, count);
        return count;
      }

      @Override
      public void close() {}
    };
  }

  @Override
  public synchronized void rename(String from, String to) throws IOException {
    if (objectStore) {
      throw new AssertionError("an object store cannot rename " + from);
    }
    if (exists(to)) {
      throw new IOException(to + " exists");
    }
    act(
        () -> {
          for (String path : List.copyOf(contents.keySet())) {
            if (path.equals(from) || path.startsWith(from + "/")) {
              contents.put(to + path.substring(from.length()), contents.remove(path));
            }
          }
        });
  }

  @Override
  public synchronized void delete(String path) throws IOException {
    for (String each : List.copyOf(contents.descendingKeySet())) {
      if (each.equals(path) || each.startsWith(path + "/")) {
        act(() -> contents.remove(each));
      }
    }
  }

  @Override
  public boolean renamesAtomically() {
    return !objectStore;
  }

  private boolean hasChildren(String path) {
    String next = contents.higherKey(path + "/");
    return next != null && next.startsWith(path + "/");
  }

  private byte[] existing(String path) throws IOException {
    byte[] bytes = contents.get(path);
    if (bytes == null) {
      throw new FileNotFoundException(path);
    }
    return bytes;
  }

  private void requireAlive() throws IOException {
    if (fired && fault == Fault.CRASH) {
      throw new IOException("the process crashed");
    }
  }

  private void act(Runnable effect) throws IOException {
    requireAlive();
    if (operationsLeft-- != 0) {
      effect.run();
      return;
    }
    fired = true;
    if (fault == Fault.UNCERTAIN) {
      effect.run();
    }
    throw new IOException("planned fault: " + fault);
  }

  private final class MemorySink implements Sink {
    private final String path;
    private final ByteArrayOutputStream written = new ByteArrayOutputStream();
    private boolean complete;

    MemorySink(String path) {
      this.path = path;
    }

    @Override
    public void write(ByteBuffer bytes) throws IOException {
      synchronized (MemoryFiles.this) {
        byte[] more = new byte[bytes.remaining()];
        bytes.get(more);
        if (operationsLeft == 0) {
          written.write(more, 0, more.length / 2); // a crash may leave half of a write
          show();
        }
        act(
            () -> {
              written.writeBytes(more);
              show();
            });
      }
    }

    private void show() {
      if (!objectStore) {
        contents.put(path, written.toByteArray());
      }
    }

    @Override
    public void complete() throws IOException {
      synchronized (MemoryFiles.this) {
        act(
            () -> {
              contents.put(path, written.toByteArray());
              complete = true;
            });
      }
    }

    @Override
    public void close() throws IOException {
      synchronized (MemoryFiles.this) {
        boolean crashed = fired && fault == Fault.CRASH;
        if (!complete && !crashed && !objectStore) {
          contents.remove(path);
        }
      }
    }
  }
}
