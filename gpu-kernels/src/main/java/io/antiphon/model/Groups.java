package io.antiphon.model;

import io.antiphon.tensor.Collectives;

/**
 * The groups one rank belongs to. Expert-parallel groups are consecutive ranks of the world.
 *
 * @param world all ranks
 * @param experts the expert-parallel group: each rank holds other home experts
 * @param weights the same group on the transfer lane: expert weights and their gradients
 * @param replicas the ranks, one of each expert-parallel group, that hold the same home experts
 */
public record Groups(
    Collectives world, Collectives experts, Collectives weights, Collectives replicas) {
  /** Opens the collectives of one group, given its world ranks in ascending order. */
  public interface Opener {
    /** Collectives among {@code members} on the opener's lane. */
    Collectives open(int... members);
  }

  /**
   * The groups of world rank {@code rank}, with weights on the compute lane.
   *
   * @param expertRanks size of an expert-parallel group; divides {@code ranks}
   * @param opener opens collectives on the compute lane
   */
  public static Groups of(int rank, int ranks, int expertRanks, Opener opener) {
    return of(rank, ranks, expertRanks, opener, opener);
  }

  /**
   * Does what {@link #of(int, int, int, Opener)} does, with weights on a lane of their own.
   *
   * @param weights opens collectives on the transfer lane
   */
  public static Groups of(int rank, int ranks, int expertRanks, Opener opener, Opener weights) {
    int[] world = new int[ranks];
    for (int i = 0; i < ranks; i++) {
      world[i] = i;
    }
    int[] experts = new int[expertRanks];
    for (int i = 0; i < expertRanks; i++) {
      experts[i] = rank / expertRanks * expertRanks + i;
    }
    int[] replicas = new int[ranks / expertRanks];
    for (int i = 0; i < replicas.length; i++) {
      replicas[i] = i * expertRanks + rank % expertRanks;
    }
    return new Groups(
        opener.open(world), opener.open(experts), weights.open(experts), opener.open(replicas));
  }

  /** Position of this rank's expert-parallel group. */
  public int expertGroup() {
    return replicas.rank();
  }

  /** Number of expert-parallel groups. */
  public int expertGroups() {
    return replicas.ranks();
  }
}
