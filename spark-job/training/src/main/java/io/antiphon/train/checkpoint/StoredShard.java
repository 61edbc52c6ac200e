package io.antiphon.train.checkpoint;

import io.antiphon.conf.Printable;
import java.util.List;

/**
 * One rank's file of a checkpoint.
 *
 * @param rank the world rank that wrote it
 * @param file its name in the checkpoint's directory
 * @param bytes its length
 * @param crc32c CRC-32C of the whole file, in {@code [0, 2^32)}
 * @param tensors what it holds, in file order
 */
public record StoredShard(
    int rank, String file, long bytes, long crc32c, List<StoredTensor> tensors) {
  /** Checks the ranges, and that {@code file} is a shard's name rather than a path. */
  public StoredShard {
    if (rank < 0 || rank >= Limits.SHARDS) {
      throw new IllegalArgumentException("rank must be in [0, " + Limits.SHARDS + "), was " + rank);
    }
    if (!CheckpointLayout.isShardFile(file, rank)) {
      throw new IllegalArgumentException(
          "not a file name of rank " + rank + "'s shard: " + Printable.of(file));
    }
    if (bytes < 0 || crc32c >>> 32 != 0) {
      throw new IllegalArgumentException(
          "shard %s has impossible length %d or checksum %d".formatted(file, bytes, crc32c));
    }
    tensors = List.copyOf(tensors);
    if (tensors.size() > Limits.SHARD_TENSORS) {
      throw new IllegalArgumentException(
          "shard %s has %d tensors; the limit is %d"
              .formatted(file, tensors.size(), Limits.SHARD_TENSORS));
    }
  }
}
