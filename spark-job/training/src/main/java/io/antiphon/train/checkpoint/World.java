package io.antiphon.train.checkpoint;

/**
 * The ranks that wrote a checkpoint; those that read it may be others.
 *
 * @param ranks all ranks of the run
 * @param expertParallel ranks of one expert-parallel group
 */
public record World(int ranks, int expertParallel) {
  /** Checks that the groups fill the world. */
  public World {
    if (ranks < 1 || ranks > Limits.SHARDS || expertParallel < 1 || ranks % expertParallel != 0) {
      throw new IllegalArgumentException(
          "ranks must be in [1, %d] and a multiple of expertParallel, were %d and %d"
              .formatted(Limits.SHARDS, ranks, expertParallel));
    }
  }
}
