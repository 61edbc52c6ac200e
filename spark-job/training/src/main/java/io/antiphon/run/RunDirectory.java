package io.antiphon.run;

import io.antiphon.conf.ConfigException;
import io.antiphon.conf.Data;
import io.antiphon.conf.Printable;
import io.antiphon.conf.Problem;
import io.antiphon.conf.Settings;
import io.antiphon.conf.SettingsReader;
import io.antiphon.conf.SettingsWriter;
import io.antiphon.monitor.RunOutcome;
import io.antiphon.train.TrainingData;
import io.antiphon.train.checkpoint.CheckpointException;
import io.antiphon.train.checkpoint.CheckpointManifest;
import io.antiphon.train.report.RunSummary;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The directory of a training run, held by one process at a time.
 *
 * <p>The hold is a lock of the operating system on {@code run.lock}, which ends with the process
 * however that ends; the file itself stays and means nothing.
 */
public final class RunDirectory implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(RunDirectory.class);
  private static final String LOCK = "run.lock";
  private static final int LONGEST_OWNER = 64;

  private final Path path;
  private final CheckpointOpener opener;
  private final UnaryOperator<Settings> kept;
  private final FileChannel channel;
  private Optional<CheckpointManifest> newest = Optional.empty();

  private RunDirectory(
      Path path, CheckpointOpener opener, UnaryOperator<Settings> kept, FileChannel channel) {
    this.path = path;
    this.opener = opener;
    this.kept = kept;
    this.channel = channel;
  }

  /**
   * Makes the directory if it is not there, and takes hold of it.
   *
   * @param opener opens the checkpoints of the run
   * @throws ConfigException if it cannot be made or written, or another process trains there
   */
  public static RunDirectory hold(Path path, CheckpointOpener opener) {
    return hold(path, opener, UnaryOperator.identity());
  }

  /**
   * As {@link #hold(Path, CheckpointOpener)}.
   *
   * @param kept what is recorded of settings
   */
  static RunDirectory hold(Path path, CheckpointOpener opener, UnaryOperator<Settings> kept) {
    FileChannel channel = null;
    try {
      PrivateFiles.makeDirectory(path);
      channel = PrivateFiles.openLock(path.resolve(LOCK));
      if (lock(channel).isEmpty()) {
        String owner = owner(channel);
        channel.close();
        throw unusable(
            path,
            "another process trains there" + (owner.isEmpty() ? "" : ": " + owner),
            "wait for it or stop it, or choose another directory");
      }
      channel.truncate(0);
      channel.write(
          ByteBuffer.wrap(
              ("process " + ProcessHandle.current().pid()).getBytes(StandardCharsets.UTF_8)),
          0);
      return new RunDirectory(path, opener, kept, channel);
    } catch (IOException e) {
      closeQuietly(channel);
      throw unusable(path, "must be a directory that can be written: " + reason(e), remedy(e));
    }
  }

  /** The first {@code parent/NAME-N} that a run with {@code settings} can begin or continue in. */
  public static Path choose(Path parent, Settings settings, CheckpointOpener opener) {
    int number = 1;
    Path directory = parent.resolve(settings.name() + "-" + number);
    while (!isOpenTo(settings, directory, opener)) {
      number++;
      directory = parent.resolve(settings.name() + "-" + number);
    }
    return directory;
  }

  /**
   * Whether a run with {@code settings} could go on here, or begin: nobody else trains here, the
   * run is not complete, and its checkpoints are those of the same training.
   */
  static boolean isOpenTo(Settings settings, Path path, CheckpointOpener opener) {
    if (RunOutcome.of(path).equals(Optional.of(RunSummary.Outcome.COMPLETED)) || isHeld(path)) {
      return false;
    }
    try {
      newest(settings, path.toAbsolutePath(), opener)
          .ifPresent(found -> requireSame(settings, found, path, true));
      return true;
    } catch (ConfigException | CheckpointException differs) {
      return false;
    }
  }

  /**
   * Fails unless {@code settings} go on with the training of the newest checkpoint. Records them as
   * the run's settings if there is none; else {@link #requireSame} does, once the data is known to
   * be the same too, so that a refused run leaves the settings as they were.
   *
   * @return the step of that checkpoint; 0 if training begins
   * @throws ConfigException with one problem per key that differs, or if the run is complete and
   *     has no checkpoint
   * @throws CheckpointException if checkpoints cannot be written
   */
  public long record(Settings settings) {
    newest = newest(settings, path, opener);
    newest.ifPresent(found -> requireSame(settings, found, path, TrainingData.of(found).isEmpty()));
    if (newest.isEmpty() && isComplete()) {
      throw unusable(
          path,
          "holds a complete run without a checkpoint, which would begin anew: none is in "
              + Directories.checkpoints(settings, path),
          "choose another directory, or set checkpoint.dir to where its checkpoints are");
    }
    long trained = newest.map(CheckpointManifest::step).orElse(0L);
    if (settings.checkpoint().enabled() && trained < settings.schedule().steps()) {
      opener.open(Directories.checkpoints(settings, path)).requireWritable();
    }
    if (newest.isEmpty()) {
      write(settings);
    }
    return trained;
  }

  private void write(Settings settings) {
    try {
      SettingsWriter.write(kept.apply(settings), path.resolve("config.conf"));
    } catch (IOException e) {
      throw unusable(path, "must be a directory that can be written: " + reason(e), remedy(e));
    }
  }

  /** The directory, as it was named. */
  public Path path() {
    return path;
  }

  /** Whether the run has come to its end before. */
  public boolean isComplete() {
    return RunOutcome.of(path).equals(Optional.of(RunSummary.Outcome.COMPLETED));
  }

  private static Optional<CheckpointManifest> newest(
      Settings settings, Path path, CheckpointOpener opener) {
    return opener.open(Directories.checkpoints(settings, path)).latest();
  }

  /**
   * Fails unless {@code data} is what the newest checkpoint was trained on. A run goes on by
   * position in an order of sequences: with others, it would repeat some, miss some, and train on
   * what it is measured on. Records {@code settings} as the run's.
   *
   * @throws ConfigException that names what changed
   */
  public void requireSame(TrainingData data, Settings settings) {
    newest.ifPresent(
        found -> {
          requireSame(data, settings, found);
          write(settings);
        });
  }

  private void requireSame(TrainingData data, Settings settings, CheckpointManifest found) {
    Optional<TrainingData> earlier = TrainingData.of(found);
    if (earlier.isEmpty()) {
      LOG.warn(
          "the checkpoint of step {} does not tell the content of its text and tokenizer; they are"
              + " not compared with what is read now",
          found.step());
      return;
    }
    if (!earlier.get().tokenizer().equals(data.tokenizer())) {
      throw changed(
          "data.tokenizer",
          settings.data().tokenizer(),
          "is another tokenizer than that of the checkpoint of step "
              + found.step()
              + ", or ends documents by another token: its tokens would mean something else",
          "give the tokenizer back"
              + TokenizerCopy.of(path).map(copy -> " (a copy is " + copy + ")").orElse(""));
    }
    if (!earlier.get().sequences().equals(data.sequences())) {
      Source source = Source.of(settings.data());
      boolean alone = earlier.get().sequences().startsWith(TrainingData.WITHOUT_SPARK);
      if (alone != data.sequences().startsWith(TrainingData.WITHOUT_SPARK)) {
        throw changed(
            source.key(),
            source.value(),
            "gives its sequences in another order %s Spark, as the checkpoint of step %d was trained"
                .formatted(alone ? "without" : "with", found.step()),
            "go on " + (alone ? "without" : "with") + " Spark");
      }
      throw changed(
          source.key(),
          source.value(),
          "gives other sequences than those the checkpoint of step "
              + found.step()
              + " was trained on: the text was changed",
          "give the text back as it was");
    }
  }

  private ConfigException changed(String key, String value, String what, String remedy) {
    return new ConfigException(
        List.of(
            new Problem(
                "--run-dir " + path,
                0,
                key,
                value,
                "cannot resume: " + what,
                remedy + ", or start a new run in another --run-dir")));
  }

  /** The key of the text, and what it names. */
  private record Source(String key, String value) {
    static Source of(Data data) {
      return data.text()
          .map(value -> new Source("data.text", value))
          .or(() -> data.jsonl().map(value -> new Source("data.jsonl", value)))
          .or(() -> data.parquet().map(value -> new Source("data.parquet", value)))
          .or(() -> data.sql().map(value -> new Source("data.sql", value)))
          .orElseThrow();
    }
  }

  /**
   * @param names whether text and tokenizer must have the names they had
   */
  private static void requireSame(
      Settings settings, CheckpointManifest newest, Path path, boolean names) {
    if (!settings.checkpoint().resume()) {
      // Newer steps of the earlier training would be kept and resumed in place of the new ones.
      throw new ConfigException(
          List.of(
              new Problem(
                  "--run-dir " + path,
                  0,
                  "checkpoint.resume",
                  "false",
                  "begins anew, but there is a checkpoint of step "
                      + newest.step()
                      + " in "
                      + Directories.checkpoints(settings, path),
                  "set checkpoint.resume to true to continue, or choose another --run-dir")));
    }
    String label = "checkpoint of step " + newest.step();
    Settings earlier = SettingsReader.text(label, newest.meta().settings(), List.of());
    if (names) {
      settings.requireResumes(earlier, "--run-dir " + path);
    } else {
      settings.requireResumesElsewhere(earlier, "--run-dir " + path);
    }
  }

  private static boolean isHeld(Path path) {
    try (FileChannel channel =
        FileChannel.open(path.resolve(LOCK), StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS)) {
      return lock(channel).isEmpty();
    } catch (IOException e) {
      return false;
    }
  }

  private static Optional<FileLock> lock(FileChannel channel) throws IOException {
    try {
      return Optional.ofNullable(channel.tryLock());
    } catch (OverlappingFileLockException heldByThisProcess) {
      return Optional.empty();
    }
  }

  private static String owner(FileChannel channel) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(LONGEST_OWNER);
    channel.read(bytes, 0);
    return Printable.value(new String(bytes.array(), 0, bytes.position(), StandardCharsets.UTF_8));
  }

  private static String reason(IOException e) {
    if (e instanceof AccessDeniedException) {
      return "permission denied: " + e.getMessage();
    }
    if (e instanceof FileAlreadyExistsException there) {
      return PrivateFiles.inTheWay(there);
    }
    return e instanceof NoSuchFileException
        ? e.getMessage() + " cannot be made"
        : String.valueOf(e.getMessage());
  }

  private static String remedy(IOException e) {
    return e instanceof AccessDeniedException
        ? "choose another directory, or get the permission to write there"
        : "choose another directory";
  }

  private static ConfigException unusable(Path path, String limit, String remedy) {
    return new ConfigException(
        List.of(new Problem("--run-dir", 0, path.toString(), "", limit, remedy)));
  }

  private static void closeQuietly(@Nullable FileChannel channel) {
    if (channel != null) {
      try {
        channel.close();
      } catch (IOException e) {
        // The failure that led here says more.
      }
    }
  }

  @Override
  public void close() {
    closeQuietly(channel);
  }
}
