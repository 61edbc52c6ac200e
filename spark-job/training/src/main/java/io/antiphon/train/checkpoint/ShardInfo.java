package io.antiphon.train.checkpoint;

import java.io.ByteArrayInputStream;

/**
 * What a rank tells the lead after it wrote its shard; small enough to gather over collectives.
 *
 * @param step the step the checkpoint is of
 * @param attempt the attempt of the run that wrote it
 * @param shard the file
 */
public record ShardInfo(long step, String attempt, StoredShard shard) {
  /** Checks the step and the attempt. */
  public ShardInfo {
    CheckpointLayout.requireStep(step);
    CheckpointLayout.requireAttempt(attempt);
  }

  /** This information as bytes: UTF-8 JSON, about a hundred bytes per tensor. */
  public byte[] encode() {
    return ManifestJson.encode(this);
  }

  /**
   * The inverse of {@link #encode()}.
   *
   * @throws CheckpointException if the bytes are not a shard's information
   */
  public static ShardInfo decode(byte[] bytes) {
    if (bytes.length > Limits.MANIFEST_BYTES) {
      throw new CheckpointException(
          "shard information of %d bytes exceeds the limit, %d"
              .formatted(bytes.length, Limits.MANIFEST_BYTES));
    }
    return ManifestJson.decodeShardInfo(new ByteArrayInputStream(bytes), "shard information");
  }
}
