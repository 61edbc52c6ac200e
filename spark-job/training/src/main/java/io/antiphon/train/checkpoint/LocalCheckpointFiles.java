package io.antiphon.train.checkpoint;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalLong;
import java.util.stream.Stream;

/**
 * Checkpoints on a local or shared POSIX file system, forced to the device before they count.
 *
 * <p>A file is forced when it is complete, and a directory when a name in it changed: so after a
 * power failure, too, a checkpoint is either there or not.
 */
public final class LocalCheckpointFiles implements CheckpointFiles {
  private final Path root;

  /** Files below {@code root}, which need not exist yet. */
  public LocalCheckpointFiles(Path root) {
    this.root = root.toAbsolutePath().normalize();
  }

  @Override
  public String location(String path) {
    return resolve(path).toString();
  }

  @Override
  public List<String> list(String directory) throws IOException {
    try (Stream<Path> children = Files.list(resolve(directory))) {
      return children.map(child -> child.getFileName().toString()).sorted().toList();
    } catch (NoSuchFileException | NotDirectoryException e) {
      return List.of();
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  @Override
  public boolean exists(String path) {
    return Files.exists(resolve(path), LinkOption.NOFOLLOW_LINKS);
  }

  @Override
  public long size(String path) throws IOException {
    return Files.size(resolve(path));
  }

  @Override
  public void createDirectories(String directory) throws IOException {
    Path path = resolve(directory);
    if (!Files.isDirectory(path)) {
      Files.createDirectories(path);
      if (!directory.isEmpty()) {
        forceNameOf(path);
      }
    }
  }

  @Override
  public Sink create(String path) throws IOException {
    Path file = resolve(path);
    return new FileSink(
        file,
        FileChannel.open(
            file,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE));
  }

  @Override
  public Source open(String path) throws IOException {
    return new FileSource(FileChannel.open(resolve(path), StandardOpenOption.READ));
  }

  @Override
  public void rename(String from, String to) throws IOException {
    Path target = resolve(to);
    if (exists(to)) {
      throw new FileAlreadyExistsException(target.toString()); // POSIX would replace some
    }
    Files.move(resolve(from), target, StandardCopyOption.ATOMIC_MOVE);
    forceNameOf(target);
  }

  @Override
  public void delete(String path) throws IOException {
    Path start = resolve(path);
    if (!exists(path)) {
      return;
    }
    List<Path> deepestFirst;
    try (Stream<Path> all = Files.walk(start)) {
      deepestFirst = all.sorted(Comparator.reverseOrder()).toList();
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
    for (Path each : deepestFirst) {
      Files.deleteIfExists(each);
    }
  }

  @Override
  public boolean renamesAtomically() {
    return true;
  }

  @Override
  public OptionalLong freeBytes() throws IOException {
    Path there = root;
    while (there.getParent() != null && !Files.exists(there)) {
      there = there.getParent();
    }
    return OptionalLong.of(Files.getFileStore(there).getUsableSpace());
  }

  private Path resolve(String path) {
    return root.resolve(CheckpointFiles.requireRelative(path));
  }

  /** Forces the directory that lists {@code path}. */
  private static void forceNameOf(Path path) throws IOException {
    Path directory = path.getParent();
    if (directory == null) {
      return;
    }
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    } catch (AccessDeniedException e) {
      // Windows opens no directories; its file systems log a rename themselves.
      return;
    }
  }

  /** A file being written; deleted by close unless complete. */
  private static final class FileSink implements Sink {
    private final Path file;
    private final FileChannel channel;
    private boolean complete;

    FileSink(Path file, FileChannel channel) {
      this.file = file;
      this.channel = channel;
    }

    @Override
    public void write(ByteBuffer bytes) throws IOException {
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
    }

    @Override
    public void complete() throws IOException {
      channel.force(true);
      forceNameOf(file);
      complete = true;
    }

    @Override
    public void close() throws IOException {
      channel.close();
      if (!complete) {
        Files.deleteIfExists(file);
      }
    }
  }

  /** A file being read. */
  private static final class FileSource implements Source {
    private final FileChannel channel;

    FileSource(FileChannel channel) {
      this.channel = channel;
    }

    @Override
    public int read(long position, ByteBuffer target) throws IOException {
      return channel.read(target, position);
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }
}
