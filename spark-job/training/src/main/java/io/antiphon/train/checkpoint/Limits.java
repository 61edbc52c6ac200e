package io.antiphon.train.checkpoint;

/**
 * What a checkpoint may ask of a reader's memory; the writer keeps to the same limits.
 *
 * <p>They bound what a hostile file can make a reader allocate: about the bytes of the JSON, plus a
 * few hundred bytes per tensor.
 */
final class Limits {
  /** Bytes of a safetensors header, as in the format's reference implementation. */
  static final int HEADER_BYTES = 100_000_000;

  /** Bytes of a manifest, and of one rank's shard information. */
  static final int MANIFEST_BYTES = 1 << 26;

  /** Tensors in one shard. */
  static final int SHARD_TENSORS = 1 << 18;

  /** Shards in one checkpoint. */
  static final int SHARDS = 1 << 16;

  /** Dimensions of a tensor. */
  static final int DIMENSIONS = 16;

  /** Characters in a tensor's name, or in the name of a scalar. */
  static final int NAME_CHARS = 512;

  /** Characters in one string of a manifest, and in all the metadata of one shard. */
  static final int TEXT_CHARS = 1 << 22;

  /** Scalars in a manifest, and metadata entries in one shard. */
  static final int SCALARS = 4096;

  /** Nesting of JSON objects and arrays; the deepest of ours is 5. */
  static final int JSON_DEPTH = 8;

  private Limits() {}
}
