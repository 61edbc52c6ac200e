package io.antiphon.train.checkpoint;

import java.util.List;
import java.util.Map;

/**
 * One rank's part in writing a checkpoint.
 *
 * <p>Nothing in it waits for another rank: all ranks of a step may write at the same time, from
 * different threads or machines.
 */
public final class ShardWriter {
  private final CheckpointFiles files;
  private final long step;
  private final int rank;
  private final String attempt;
  private final String directory;
  private final String file;

  ShardWriter(
      CheckpointFiles files, long step, int rank, String attempt, String directory, String file) {
    this.files = files;
    this.step = step;
    this.rank = rank;
    this.attempt = attempt;
    this.directory = directory;
    this.file = file;
  }

  /**
   * Writes this rank's tensors and returns what the lead needs to commit them.
   *
   * <p>Across all ranks a tensor is written once. A rank that owns none still writes its shard.
   *
   * @param entries each asked for its bytes once; in what order is up to the file's layout
   * @throws CheckpointException if the storage fails; the previous checkpoint is untouched
   * @throws IllegalArgumentException if two entries have one name
   */
  public ShardInfo write(List<TensorEntry> entries) {
    Map<String, String> metadata =
        Map.of("format", "antiphon", "step", Long.toString(step), "rank", Integer.toString(rank));
    SafetensorsWriter.Written written =
        SafetensorsWriter.write(files, directory + "/" + file, entries, metadata);
    return new ShardInfo(
        step,
        attempt,
        new StoredShard(rank, file, written.bytes(), written.crc32c(), written.tensors()));
  }
}
