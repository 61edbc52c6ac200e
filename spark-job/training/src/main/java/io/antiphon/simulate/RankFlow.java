package io.antiphon.simulate;

import java.util.Arrays;

/**
 * What one placement makes every rank do: rows of each physical expert, and what goes in and out
 * over fast links (inside a node) and slow ones (between nodes). Belongs to one thread.
 */
final class RankFlow {
  private static final int NOBODY = -1;

  private final Topology topology;
  private final int localPhysicalExperts;
  private final boolean relay;
  private final int[] physicalRows;
  private final int[] loads;
  private final Ports tokenRows;
  private final Ports weightBytes;

  // Relaying: where the copies of the expert at hand have got to.
  private int relayedExpert = NOBODY;
  private int lastNode = NOBODY;
  private boolean sentInside;
  private boolean sentBetween;

  /** Bytes in and out, inside and between nodes, per rank. */
  static final class Ports {
    final long[] outInside;
    final long[] inInside;
    final long[] outBetween;
    final long[] inBetween;

    private Ports(int ranks) {
      outInside = new long[ranks];
      inInside = new long[ranks];
      outBetween = new long[ranks];
      inBetween = new long[ranks];
    }

    private void clear() {
      Arrays.fill(outInside, 0);
      Arrays.fill(inInside, 0);
      Arrays.fill(outBetween, 0);
      Arrays.fill(inBetween, 0);
    }

    /** All that goes inside nodes. */
    long inside() {
      return Arrays.stream(inInside).sum();
    }

    /** All that goes between nodes. */
    long between() {
      return Arrays.stream(inBetween).sum();
    }

    /** Whichever direction of a rank is busier, inside its node. */
    long busierInside(int rank) {
      return Math.max(outInside[rank], inInside[rank]);
    }

    /** Whichever direction of a rank is busier, between nodes. */
    long busierBetween(int rank) {
      return Math.max(outBetween[rank], inBetween[rank]);
    }
  }

  /**
   * @param localPhysicalExperts physical experts of each rank; they are numbered rank by rank
   * @param relay whether a rank passes weights on while it receives them
   */
  RankFlow(Topology topology, int localPhysicalExperts, boolean relay) {
    this.topology = topology;
    this.localPhysicalExperts = localPhysicalExperts;
    this.relay = relay;
    this.physicalRows = new int[topology.ranks() * localPhysicalExperts];
    this.loads = new int[topology.ranks()];
    this.tokenRows = new Ports(topology.ranks());
    this.weightBytes = new Ports(topology.ranks());
  }

  void clear() {
    Arrays.fill(physicalRows, 0);
    Arrays.fill(loads, 0);
    tokenRows.clear();
    weightBytes.clear();
    relayedExpert = NOBODY;
  }

  /** {@code source} sends rows to a physical expert of {@code rank}. */
  void rows(int source, int rank, int physicalExpert, int rows) {
    physicalRows[physicalExpert] += rows;
    loads[rank] += rows;
    if (source == rank) {
      return;
    }
    if (topology.node(source) == topology.node(rank)) {
      tokenRows.outInside[source] += rows;
      tokenRows.inInside[rank] += rows;
    } else {
      tokenRows.outBetween[source] += rows;
      tokenRows.inBetween[rank] += rows;
    }
  }

  /**
   * {@code home} gives a copy of an expert to {@code rank}. Copies of one expert come one after the
   * other, in ascending order of the ranks. With relaying, the first on a node gets it from outside
   * and the others from their neighbour; home sends it once over each kind of link.
   */
  void weights(int expert, int home, int rank, long bytes) {
    if (expert != relayedExpert) {
      relayedExpert = expert;
      lastNode = NOBODY;
      sentInside = false;
      sentBetween = false;
    }
    int node = topology.node(rank);
    boolean homeNode = node == topology.node(home);
    boolean inside = homeNode || (relay && node == lastNode);
    lastNode = node;
    if (inside) {
      weightBytes.inInside[rank] += bytes;
      if (!relay || (homeNode && !sentInside)) {
        weightBytes.outInside[home] += bytes;
        sentInside = true;
      }
    } else {
      weightBytes.inBetween[rank] += bytes;
      if (!relay || !sentBetween) {
        weightBytes.outBetween[home] += bytes;
        sentBetween = true;
      }
    }
  }

  /** Rows of every rank, {@code [ranks]}; this flow's own array. */
  int[] loads() {
    return loads;
  }

  int rowsOf(int rank, int localPhysicalExpert) {
    return physicalRows[rank * localPhysicalExperts + localPhysicalExpert];
  }

  int localPhysicalExperts() {
    return localPhysicalExperts;
  }

  /** Rows sent to other ranks. */
  Ports tokenRows() {
    return tokenRows;
  }

  /** Bytes of expert weights and of their gradients. */
  Ports weightBytes() {
    return weightBytes;
  }
}
