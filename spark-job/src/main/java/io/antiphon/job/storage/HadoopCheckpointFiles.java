package io.antiphon.job.storage;

import io.antiphon.data.DataException;
import io.antiphon.data.files.Failures;
import io.antiphon.data.files.HadoopPath;
import io.antiphon.train.checkpoint.CheckpointException;
import io.antiphon.train.checkpoint.CheckpointFiles;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.FileAlreadyExistsException;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.StreamCapabilities;

/**
 * Checkpoints on any storage that Hadoop has a file system for: HDFS, or an object store.
 *
 * <p>Directories count as renamed atomically only on the schemes known to do so; elsewhere the
 * appearance of the manifest is the commit, which object stores do atomically.
 */
public final class HadoopCheckpointFiles implements CheckpointFiles {
  private static final Set<String> ATOMIC_RENAME = Set.of("file", "hdfs", "webhdfs", "swebhdfs");
  private static final int COPY_BYTES = 1 << 16;

  private final FileSystem fileSystem;
  private final Path root;

  /** Files below {@code root}; the file system stays the caller's to close. */
  public HadoopCheckpointFiles(FileSystem fileSystem, Path root) {
    this.fileSystem = fileSystem;
    this.root = fileSystem.makeQualified(root);
  }

  /**
   * Files below a directory given as in {@code checkpoint.dir}, on Hadoop's shared file system
   * object for its scheme.
   *
   * @throws CheckpointException if there is no file system for it
   */
  public static HadoopCheckpointFiles of(String directory, Configuration configuration) {
    try {
      HadoopPath place = HadoopPath.open("checkpoint.dir", directory, configuration);
      return new HadoopCheckpointFiles(place.files(), place.path());
    } catch (DataException e) {
      throw new CheckpointException(String.valueOf(e.getMessage()), e);
    }
  }

  @Override
  public String location(String path) {
    return resolve(path).toString();
  }

  @Override
  public List<String> list(String directory) throws IOException {
    try {
      return Arrays.stream(fileSystem.listStatus(resolve(directory)))
          .map(status -> status.getPath().getName())
          .sorted()
          .toList();
    } catch (FileNotFoundException e) {
      return List.of();
    }
  }

  @Override
  public boolean exists(String path) throws IOException {
    return fileSystem.exists(resolve(path));
  }

  @Override
  public long size(String path) throws IOException {
    FileStatus status = fileSystem.getFileStatus(resolve(path));
    if (!status.isFile()) {
      throw new IOException(status.getPath() + " is not a file");
    }
    return status.getLen();
  }

  @Override
  public void createDirectories(String directory) throws IOException {
    if (!fileSystem.mkdirs(resolve(directory))) {
      throw new IOException("the file system refused to create " + resolve(directory));
    }
  }

  @Override
  public Sink create(String path) throws IOException {
    Path file = resolve(path);
    return new StreamSink(fileSystem, file, reported(() -> fileSystem.create(file, true)));
  }

  @Override
  public Source open(String path) throws IOException {
    return new StreamSource(fileSystem.open(resolve(path)));
  }

  @Override
  public void rename(String from, String to) throws IOException {
    Path target = resolve(to);
    if (fileSystem.exists(target)) {
      // Hadoop would move the source into a target directory.
      throw new FileAlreadyExistsException(target.toString());
    }
    if (!fileSystem.rename(resolve(from), target)) {
      throw new IOException("the file system refused to rename " + resolve(from) + " to " + target);
    }
  }

  @Override
  public void delete(String path) throws IOException {
    Path target = resolve(path);
    if (!fileSystem.delete(target, true) && fileSystem.exists(target)) {
      throw new IOException("the file system refused to delete " + target);
    }
  }

  @Override
  public boolean renamesAtomically() {
    return ATOMIC_RENAME.contains(fileSystem.getScheme());
  }

  private Path resolve(String path) {
    return CheckpointFiles.requireRelative(path).isEmpty() ? root : new Path(root, path);
  }

  private interface Call<T> {
    T run() throws IOException;
  }

  /** Hadoop's local file system reports a full or broken disk as an Error. */
  private static <T> T reported(Call<T> call) throws IOException {
    try {
      return call.run();
    } catch (FSError e) {
      throw new IOException(Failures.reason(e), e);
    }
  }

  /** A file being written. */
  private static final class StreamSink implements Sink {
    private final FileSystem fileSystem;
    private final Path file;
    private final FSDataOutputStream out;
    private final byte[] copy = new byte[COPY_BYTES];
    private boolean complete;

    StreamSink(FileSystem fileSystem, Path file, FSDataOutputStream out) {
      this.fileSystem = fileSystem;
      this.file = file;
      this.out = out;
    }

    @Override
    public void write(ByteBuffer bytes) throws IOException {
      while (bytes.hasRemaining()) {
        int count = Math.min(copy.length, bytes.remaining());
        bytes.get(copy, 0, count);
        reported(
            () -> {
              out.write(copy, 0, count);
              return true;
            });
      }
    }

    @Override
    public void complete() throws IOException {
      complete =
          reported(
              () -> {
                if (out.hasCapability(StreamCapabilities.HSYNC)) {
                  out.hsync();
                }
                out.close(); // an object store shows the object now
                return true;
              });
    }

    @Override
    public void close() throws IOException {
      if (complete) {
        return;
      }
      if (out.hasCapability(StreamCapabilities.ABORTABLE_STREAM)) {
        out.abort(); // what the object store has under this name stays
        return;
      }
      try {
        reported(
            () -> {
              out.close();
              return true;
            });
      } finally {
        fileSystem.delete(file, false);
      }
    }
  }

  /** A file being read. */
  private static final class StreamSource implements Source {
    private final FSDataInputStream in;
    private final byte[] copy = new byte[COPY_BYTES];

    StreamSource(FSDataInputStream in) {
      this.in = in;
    }

    @Override
    public int read(long position, ByteBuffer target) throws IOException {
      if (!target.hasRemaining()) {
        return 0;
      }
      int most = Math.min(copy.length, target.remaining());
      int count = reported(() -> in.read(position, copy, 0, most));
      if (count > 0) {
        target.put(copy, 0, count);
      }
      return count;
    }

    @Override
    public void close() throws IOException {
      in.close();
    }
  }
}
