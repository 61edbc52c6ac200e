package io.antiphon.simulate;

/**
 * Which ranks share a node.
 *
 * @param ranks of the group
 * @param ranksPerNode consecutive ranks on each node; the last node may have fewer
 */
record Topology(int ranks, int ranksPerNode) {
  Topology {
    Limits.require("--ranks-per-node", ranksPerNode, 1, WorkloadOptions.MAX_RANKS);
  }

  int nodes() {
    return (ranks + ranksPerNode - 1) / ranksPerNode;
  }

  int node(int rank) {
    return rank / ranksPerNode;
  }
}
