package io.antiphon.job.routing;

import io.antiphon.train.report.RoutedCounts;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Counts of committed steps in a file of the run directory, where they wait until Spark has a slot
 * to write a table: the ranks hold all slots while they train. Survives the process; a torn end is
 * dropped.
 */
final class RoutingSpool implements AutoCloseable {
  private final Path file;
  private @Nullable DataOutputStream out;

  RoutingSpool(Path file) {
    this.file = file;
  }

  /** Forgets steps after {@code step}, because they come again. */
  void rewind(long step) {
    close();
    long[] kept = {0};
    forEach(
        counts -> {
          if (counts.step() <= step) {
            kept[0] += bytes(counts);
          }
        });
    try {
      FileChannel channel =
          FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      channel.truncate(kept[0]).position(kept[0]);
      out = new DataOutputStream(new BufferedOutputStream(Channels.newOutputStream(channel)));
    } catch (IOException e) {
      throw failed(e);
    }
  }

  /** Appends. */
  void add(RoutedCounts counts) {
    DataOutputStream open = out;
    if (open == null) {
      throw new IllegalStateException("counts came before the run started");
    }
    try {
      open.writeLong(counts.step());
      open.writeInt(counts.layer());
      open.writeInt(counts.group());
      open.writeInt(counts.ranks());
      open.writeInt(counts.experts());
      open.writeInt(counts.counts().length);
      for (int[] matrix : counts.counts()) {
        for (int count : matrix) {
          open.writeInt(count);
        }
      }
      open.flush();
    } catch (IOException e) {
      throw failed(e);
    }
  }

  private static long bytes(RoutedCounts counts) {
    long matrix = (long) counts.ranks() * counts.experts();
    return Long.BYTES + Integer.BYTES * (5 + counts.counts().length * matrix);
  }

  /** Passes on what waits, in the order of steps. */
  void forEach(Consumer<RoutedCounts> action) {
    try (DataInputStream in =
        new DataInputStream(new BufferedInputStream(Files.newInputStream(file), 1 << 16))) {
      while (true) {
        action.accept(read(in));
      }
    } catch (EOFException end) {
      // whole, or torn when the process was killed
    } catch (NoSuchFileException e) {
      // nothing waits
    } catch (IOException e) {
      throw failed(e);
    }
  }

  private static RoutedCounts read(DataInputStream in) throws IOException {
    long step = in.readLong();
    int layer = in.readInt();
    int group = in.readInt();
    int ranks = in.readInt();
    int experts = in.readInt();
    int[][] counts = new int[in.readInt()][ranks * experts];
    for (int[] matrix : counts) {
      for (int i = 0; i < matrix.length; i++) {
        matrix[i] = in.readInt();
      }
    }
    return new RoutedCounts(step, layer, group, ranks, experts, counts);
  }

  /** Removes the file. */
  void delete() {
    close();
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      throw failed(e);
    }
  }

  private UncheckedIOException failed(IOException e) {
    return new UncheckedIOException("cannot keep routing in " + file + ": " + e.getMessage(), e);
  }

  @Override
  public void close() {
    if (out == null) {
      return;
    }
    try {
      out.close();
    } catch (IOException e) {
      throw failed(e);
    }
    out = null;
  }
}
