package io.antiphon.simulate;

/**
 * How long a rank needs for what it has to do. {@code docs/simulate.md} derives the formula; the
 * file {@code cost.conf} has unit and source of every constant.
 *
 * @param peakFlops multiply-adds count two, per second and GPU
 * @param gemmEfficiency share of the peak that a grouped GEMM reaches with full tiles
 * @param tileRows rows of a physical expert are computed in multiples of this
 * @param gemmPasses GEMMs over the same rows: 1 forward, 3 with both of backward
 * @param insideBytesPerSecond one way, per GPU, inside a node
 * @param betweenBytesPerSecond one way, per GPU, between nodes
 * @param valueBytes bytes of one value of a row on the wire
 * @param rowTransfers times a row crosses the wire: 2 forward, 4 with backward
 * @param weightBytes per parameter, home to clone
 * @param gradientBytes per parameter, clone to home
 * @param relay whether clones of one expert pass its weights on among them
 * @param hiddenShare share of a rank's GEMM time behind which weight traffic disappears
 * @param planSeconds on the critical path of a layer that plans
 */
public record CostModel(
    double peakFlops,
    double gemmEfficiency,
    int tileRows,
    int gemmPasses,
    double insideBytesPerSecond,
    double betweenBytesPerSecond,
    int valueBytes,
    int rowTransfers,
    int weightBytes,
    int gradientBytes,
    boolean relay,
    double hiddenShare,
    double planSeconds) {

  /**
   * What the time depends on besides the placement.
   *
   * @param hidden hidden size of the model
   * @param ffn inner size of an expert
   */
  public record ExpertSize(int hidden, int ffn) {
    private static final int MAX = 1 << 20;

    public ExpertSize {
      Limits.require("--hidden", hidden, 1, MAX);
      Limits.require("--ffn", ffn, 1, MAX);
    }

    /** Parameters of one expert: two matrices into the inner size (gated), one out of it. */
    public long parameters() {
      return 3L * hidden * ffn;
    }
  }

  /**
   * Time of the rank that takes longest.
   *
   * @param seconds in all
   * @param gemmSeconds of that, in the expert GEMMs
   */
  record Time(double seconds, double gemmSeconds) {}

  /** Bytes that one clone costs in a step: its weights out and its gradients back. */
  long cloneBytes(ExpertSize size) {
    return size.parameters() * (weightBytes + gradientBytes);
  }

  /** Bytes of one row on the wire, every transfer counted. */
  long rowBytes(ExpertSize size) {
    return (long) size.hidden() * valueBytes * rowTransfers;
  }

  /** Time of one layer and micro-batch under a placement. */
  Time time(RankFlow flow, ExpertSize size, boolean planned) {
    double worst = 0;
    double worstGemm = 0;
    for (int rank = 0; rank < flow.loads().length; rank++) {
      double gemm = gemmSeconds(flow, rank, size);
      double weights = linkSeconds(flow.weightBytes(), rank, 1);
      double tokens = linkSeconds(flow.tokenRows(), rank, rowBytes(size));
      double seconds = gemm + Math.max(0, weights - hiddenShare * gemm) + tokens;
      if (seconds > worst) {
        worst = seconds;
        worstGemm = gemm;
      }
    }
    return new Time(worst + (planned ? planSeconds : 0), worstGemm);
  }

  private double gemmSeconds(RankFlow flow, int rank, ExpertSize size) {
    long tiles = 0;
    for (int local = 0; local < flow.localPhysicalExperts(); local++) {
      tiles += (flow.rowsOf(rank, local) + tileRows - 1) / tileRows;
    }
    double flops = 2.0 * size.parameters() * tileRows * tiles * gemmPasses;
    return flops / (peakFlops * gemmEfficiency);
  }

  /** The two kinds of links work at the same time, and so do the two directions of each. */
  private double linkSeconds(RankFlow.Ports ports, int rank, long bytesPerUnit) {
    return Math.max(
        ports.busierInside(rank) * bytesPerUnit / insideBytesPerSecond,
        ports.busierBetween(rank) * bytesPerUnit / betweenBytesPerSecond);
  }
}
