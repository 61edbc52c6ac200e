package io.antiphon.train.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.function.Consumer;

/**
 * The checkpoints of a run: ranks write shards in parallel, one act of the lead makes them one.
 *
 * <p>Until that act the previous checkpoint is the latest, after it the new one; a crash at any
 * moment leaves one of the two. On a file system the act is the rename of a directory whose
 * manifest was written last. Where renames are not atomic, it is the appearance of the manifest.
 *
 * <p>Safe for use by several threads; one lead at a time may commit and prune.
 */
public final class Checkpoints {
  private static final Comparator<CheckpointLayout.Directory> NEWEST_FIRST =
      Comparator.comparingLong((CheckpointLayout.Directory directory) -> -directory.step())
          .thenComparing(CheckpointLayout.Directory::role)
          .thenComparing(CheckpointLayout.Directory::name);

  private final CheckpointFiles files;
  private final Consumer<String> warnings;
  private final ManifestFile manifests;

  /** The step this object committed last: known to be whole without reading it; -1 for none. */
  private volatile long committedStep = -1;

  /**
   * The checkpoints below the root of {@code files}, which need not exist yet.
   *
   * @param warnings told, in one line each, of checkpoints that are skipped and of leftovers that
   *     cannot be removed
   */
  public Checkpoints(CheckpointFiles files, Consumer<String> warnings) {
    this.files = files;
    this.warnings = warnings;
    this.manifests = new ManifestFile(files);
  }

  /**
   * Begins one rank's shard of a checkpoint. Every rank of the world calls this.
   *
   * @param step the number of updates made
   * @param rank world rank
   * @param attempt letters, digits, {@code -} and {@code _}; the same on all ranks, another for
   *     each time the run is submitted
   * @throws CheckpointException if the storage fails
   * @throws IllegalStateException if this attempt committed this step already, on a storage where
   *     writing it again would damage it
   */
  public ShardWriter begin(long step, int rank, String attempt) {
    CheckpointLayout.requireStep(step);
    CheckpointLayout.requireAttempt(attempt);
    String directory = workingDirectory(step, attempt);
    String file =
        files.renamesAtomically()
            ? CheckpointLayout.shardFile(rank)
            : CheckpointLayout.shardFile(rank, attempt);
    try {
      if (!files.renamesAtomically()
          && files.exists(directory + "/" + file)
          && manifests.existsIn(directory)) {
        throw new IllegalStateException(
            files.location(directory) + " was committed by attempt " + attempt + " already");
      }
      files.createDirectories(directory);
    } catch (IOException e) {
      throw new CheckpointException(
          files.location(directory) + ": cannot be created, see permissions: " + e, e);
    }
    return new ShardWriter(files, step, rank, attempt, directory, file);
  }

  /**
   * Makes the shards of all ranks a checkpoint; the lead calls this after every rank reported.
   *
   * <p>A checkpoint of this step that is there already is replaced. Afterwards leftovers of earlier
   * attempts are removed.
   *
   * @param shards what {@link ShardWriter#write} returned on each rank, in any order
   * @throws CheckpointException if the storage fails or a shard is missing; the latest checkpoint
   *     is the one it was before
   * @throws IllegalArgumentException if the shards are not one per rank, of this step and one
   *     attempt, with every tensor once
   */
  public CheckpointManifest commit(long step, List<ShardInfo> shards, CheckpointMeta meta) {
    String attempt = requireOneAttempt(step, shards);
    CheckpointManifest manifest =
        new CheckpointManifest(
            CheckpointLayout.committed(step),
            step,
            attempt,
            meta,
            shards.stream()
                .map(ShardInfo::shard)
                .sorted(Comparator.comparingInt(StoredShard::rank))
                .toList());
    String working = workingDirectory(step, attempt);
    try {
      requireShards(working, manifest);
      manifests.write(working, manifest);
      if (files.renamesAtomically()) {
        publish(step, attempt);
      }
    } catch (IOException e) {
      throw new CheckpointException(
          "%s: the checkpoint of step %d was not committed; the one before it is still the latest: %s"
              .formatted(files.location(working), step, e),
          e);
    }
    committedStep = step;
    new Leftovers(files, manifests, warnings).removeAfter(manifest);
    return manifest;
  }

  /**
   * The newest checkpoint whose manifest is sound and whose shards are there with the right lengths
   * and headers. Newer ones that fail this are reported as warnings.
   *
   * @return empty if no checkpoint was ever committed
   * @throws CheckpointException if the storage fails, or there are checkpoints and none is valid:
   *     to begin anew then is the user's decision
   */
  public Optional<CheckpointManifest> latest() {
    return newest(listed(), false);
  }

  /**
   * Does what {@link #latest()} does among the checkpoints of steps before {@code step}: what to
   * fall back to when reading that one failed.
   */
  public Optional<CheckpointManifest> latestBefore(long step) {
    return newest(listed().stream().filter(directory -> directory.step() < step).toList(), false);
  }

  /** Does what {@link #latest()} does, but reads every byte and compares all checksums. */
  public Optional<CheckpointManifest> latestVerified() {
    return newest(listed(), true);
  }

  /**
   * The checkpoint of one step, so that all ranks can read the one the lead chose.
   *
   * @throws CheckpointException if there is none, or it fails what {@link #latest()} checks
   */
  public CheckpointManifest at(long step) {
    return newest(listed().stream().filter(directory -> directory.step() == step).toList(), false)
        .orElseThrow(
            () ->
                new CheckpointException(
                    files.location("") + ": has no checkpoint of step " + step));
  }

  /**
   * Opens a checkpoint for reading; nothing is read yet.
   *
   * @param manifest from this object or another on the same files
   */
  public CheckpointReader open(CheckpointManifest manifest) {
    return new CheckpointReader(files, manifest);
  }

  /**
   * Deletes all but the newest {@code keep} checkpoints. Two more always stay if they are not among
   * them: one whose bytes are known to be whole, the last commit of this object or one that is read
   * here; and the newest of a step up to {@code soundStep}, whose model can be trained on.
   *
   * <p>A failure of the storage is only a warning: the new checkpoint is there already, and old
   * ones cost space, never correctness.
   *
   * @param keep at least 1; damaged checkpoints do not count
   * @param soundStep newest step after which the model is known to be sound; negative if none is
   * @return how many were deleted
   */
  public int prune(int keep, long soundStep) {
    if (keep < 1) {
      throw new IllegalArgumentException("keep must be >= 1, was " + keep);
    }
    int deleted = 0;
    int kept = 0;
    boolean whole = false;
    boolean sound = soundStep < 0;
    try {
      for (CheckpointLayout.Directory directory : candidates()) {
        boolean enough = kept >= keep && whole;
        boolean saves = !sound && directory.step() <= soundStep;
        if (enough && !saves) {
          manifests.deleteCheckpoint(directory.name());
          deleted++;
        } else if (isValid(directory, false)) {
          kept++;
          whole = whole || isWhole(directory);
          sound = sound || directory.step() <= soundStep;
        }
      }
    } catch (IOException e) {
      warnings.accept(
          "old checkpoints in "
              + files.location("")
              + " cannot be deleted; the next one tries again: "
              + e);
    }
    return deleted;
  }

  /**
   * Creates the directory if it is not there, and makes sure that files can be written to it.
   *
   * @throws CheckpointException if not
   */
  public void requireWritable() {
    String probe = ".probe-" + UUID.randomUUID();
    try {
      files.createDirectories("");
      try (CheckpointFiles.Sink sink = files.create(probe)) {
        sink.write(ByteBuffer.wrap(new byte[1]));
        sink.complete();
      }
      files.delete(probe);
    } catch (IOException e) {
      throw new CheckpointException(
          "checkpoint.dir: checkpoints cannot be written to "
              + files.location("")
              + ": "
              + reason(e)
              + "; choose a directory that can be written, or train without checkpoints:"
              + " checkpoint.enabled = false",
          e);
    }
  }

  /** How many checkpoints are there, sound or not. */
  public int count() {
    return listed().size();
  }

  /** The address of their directory. */
  public String location() {
    return files.location("");
  }

  /** Bytes that are free there; empty if that is not known. */
  public OptionalLong freeBytes() {
    try {
      return files.freeBytes();
    } catch (IOException unknown) {
      return OptionalLong.empty();
    }
  }

  /** Message of a failure; exceptions of the JDK have a path alone there. */
  private static String reason(IOException e) {
    if (e instanceof AccessDeniedException) {
      return "permission denied: " + e.getMessage();
    }
    if (e instanceof FileAlreadyExistsException) {
      return e.getMessage() + " is a file";
    }
    return e instanceof NoSuchFileException
        ? e.getMessage() + " cannot be made"
        : String.valueOf(e.getMessage());
  }

  /** Where the checkpoint of a step is, for messages. */
  public String location(long step) {
    return files.location(CheckpointLayout.committed(step));
  }

  private String workingDirectory(long step, String attempt) {
    return files.renamesAtomically()
        ? CheckpointLayout.working(step, attempt)
        : CheckpointLayout.committed(step);
  }

  private static String requireOneAttempt(long step, List<ShardInfo> shards) {
    if (shards.isEmpty()) {
      throw new IllegalArgumentException("a checkpoint needs the shard of at least one rank");
    }
    String attempt = shards.get(0).attempt();
    for (ShardInfo shard : shards) {
      if (shard.step() != step || !shard.attempt().equals(attempt)) {
        throw new IllegalArgumentException(
            "rank %d reports step %d of attempt %s; expected step %d of attempt %s"
                .formatted(shard.shard().rank(), shard.step(), shard.attempt(), step, attempt));
      }
    }
    return attempt;
  }

  private void requireShards(String directory, CheckpointManifest manifest) throws IOException {
    for (StoredShard shard : manifest.shards()) {
      long bytes = files.size(directory + "/" + shard.file());
      if (bytes != shard.bytes()) {
        throw new IOException(
            "%s has %d bytes, rank %d wrote %d"
                .formatted(shard.file(), bytes, shard.rank(), shard.bytes()));
      }
    }
  }

  private void publish(long step, String attempt) throws IOException {
    String target = CheckpointLayout.committed(step);
    if (files.exists(target)) {
      // Readers know the second name, so between the two renames the old checkpoint is there.
      String aside = CheckpointLayout.replaced(step, attempt);
      manifests.deleteCheckpoint(aside);
      files.rename(target, aside);
    }
    files.rename(CheckpointLayout.working(step, attempt), target);
  }

  private Optional<CheckpointManifest> newest(
      List<CheckpointLayout.Directory> newestFirst, boolean everyByte) {
    List<String> problems = new ArrayList<>();
    for (CheckpointLayout.Directory directory : newestFirst) {
      try {
        return Optional.of(check(directory, everyByte));
      } catch (CheckpointException e) {
        problems.add(String.valueOf(e.getMessage()));
        warnings.accept("checkpoint " + directory.name() + " is skipped: " + e.getMessage());
      }
    }
    if (problems.isEmpty()) {
      return Optional.empty();
    }
    throw new CheckpointException(
        "%s: no valid checkpoint among %d; remove them, or begin anew elsewhere. The newest: %s"
            .formatted(files.location(""), problems.size(), problems.get(0)));
  }

  private List<CheckpointLayout.Directory> listed() {
    try {
      return candidates();
    } catch (IOException e) {
      throw new CheckpointException(files.location("") + ": cannot be listed: " + e, e);
    }
  }

  /** The directories that were committed, newest first; before its commit one has no manifest. */
  private List<CheckpointLayout.Directory> candidates() throws IOException {
    List<CheckpointLayout.Directory> candidates = new ArrayList<>();
    for (String name : files.list("")) {
      Optional<CheckpointLayout.Directory> directory = CheckpointLayout.parse(name);
      if (directory.isPresent()
          && directory.get().role() != CheckpointLayout.Role.WORKING
          && manifests.existsIn(name)) {
        candidates.add(directory.get());
      }
    }
    candidates.sort(NEWEST_FIRST);
    return candidates;
  }

  private CheckpointManifest check(CheckpointLayout.Directory directory, boolean everyByte) {
    CheckpointManifest manifest = manifests.read(directory);
    try (CheckpointReader reader = open(manifest)) {
      reader.checkShards();
      if (everyByte) {
        reader.verifyAll();
      }
    }
    return manifest;
  }

  private boolean isWhole(CheckpointLayout.Directory directory) {
    boolean written =
        directory.role() == CheckpointLayout.Role.COMMITTED && directory.step() == committedStep;
    return written || isValid(directory, true);
  }

  private boolean isValid(CheckpointLayout.Directory directory, boolean everyByte) {
    try {
      check(directory, everyByte);
      return true;
    } catch (CheckpointException e) {
      warnings.accept("checkpoint " + directory.name() + " is not counted: " + e.getMessage());
      return false;
    }
  }
}
