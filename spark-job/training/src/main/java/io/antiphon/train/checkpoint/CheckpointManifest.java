package io.antiphon.train.checkpoint;

import io.antiphon.conf.Printable;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/** The contents of one checkpoint: which tensors it has, in which shards, and what state. */
public final class CheckpointManifest {
  /** The version of the manifest and of the directory's layout that this class writes. */
  public static final int FORMAT_VERSION = 1;

  private final String directory;
  private final long step;
  private final String attempt;
  private final CheckpointMeta meta;
  private final List<StoredShard> shards;
  private final Map<String, Entry> tensors = new HashMap<>();

  /** A tensor and the shard that holds it. */
  record Entry(StoredShard shard, StoredTensor tensor) {}

  /**
   * Puts a checkpoint together from one shard per rank.
   *
   * @param directory where it is, or will be; not a part of the contents
   * @throws IllegalArgumentException if a rank is missing or doubled, or two shards hold tensors of
   *     one name
   */
  CheckpointManifest(
      String directory, long step, String attempt, CheckpointMeta meta, List<StoredShard> shards) {
    this.directory = directory;
    this.step = CheckpointLayout.requireStep(step);
    this.attempt = CheckpointLayout.requireAttempt(attempt);
    this.meta = meta;
    this.shards = List.copyOf(shards);
    requireEveryRank();
    for (StoredShard shard : shards) {
      for (StoredTensor tensor : shard.tensors()) {
        Entry entry = new Entry(shard, tensor);
        Entry other = tensors.putIfAbsent(tensor.spec().name(), entry);
        if (other != null) {
          throw new IllegalArgumentException(
              "tensor %s is in the shards of ranks %d and %d; one rank must write it"
                  .formatted(
                      Printable.of(tensor.spec().name()), other.shard().rank(), shard.rank()));
        }
      }
    }
  }

  private void requireEveryRank() {
    Set<Integer> ranks = new HashSet<>();
    for (StoredShard shard : shards) {
      if (shard.rank() >= meta.world().ranks() || !ranks.add(shard.rank())) {
        throw new IllegalArgumentException(
            "unexpected or second shard of rank %d in a world of %d ranks"
                .formatted(shard.rank(), meta.world().ranks()));
      }
    }
    if (ranks.size() != meta.world().ranks()) {
      throw new IllegalArgumentException(
          "%d shards for a world of %d ranks".formatted(ranks.size(), meta.world().ranks()));
    }
  }

  /** The number of updates the training had made. */
  public long step() {
    return step;
  }

  /** The attempt of the run that wrote it. */
  public String attempt() {
    return attempt;
  }

  /** The state besides the tensors. */
  public CheckpointMeta meta() {
    return meta;
  }

  /** One file per rank. */
  public List<StoredShard> shards() {
    return shards;
  }

  /** The tensor of this name, if the checkpoint has it. */
  public Optional<TensorSpec> tensor(String name) {
    return entry(name).map(entry -> entry.tensor().spec());
  }

  String directory() {
    return directory;
  }

  Optional<Entry> entry(String name) {
    return Optional.ofNullable(tensors.get(name));
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof CheckpointManifest manifest
        && step == manifest.step
        && attempt.equals(manifest.attempt)
        && meta.equals(manifest.meta)
        && shards.equals(manifest.shards);
  }

  @Override
  public int hashCode() {
    return Objects.hash(step, attempt, meta, shards);
  }

  @Override
  public String toString() {
    return "checkpoint of step %d by attempt %s, %d shards, %d tensors"
        .formatted(step, attempt, shards.size(), tensors.size());
  }
}
