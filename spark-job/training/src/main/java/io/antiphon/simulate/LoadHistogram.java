package io.antiphon.simulate;

/** How the loads of single ranks are distributed, in multiples of the mean. */
final class LoadHistogram {
  /** Bins per unit of the mean. */
  static final int BINS_PER_MEAN = 50;

  /** Loads of this many means or more share the last bin. */
  static final int MOST = 8;

  private final long[] bins = new long[BINS_PER_MEAN * MOST + 1];

  /** Adds the loads of a sample; one without any load counts as even. */
  void add(int[] loads, long total) {
    for (int load : loads) {
      long bin = total == 0 ? BINS_PER_MEAN : (long) load * loads.length * BINS_PER_MEAN / total;
      bins[(int) Math.min(bin, bins.length - 1)]++;
    }
  }

  void add(LoadHistogram other) {
    for (int bin = 0; bin < bins.length; bin++) {
      bins[bin] += other.bins[bin];
    }
  }

  /** Share of the ranks, over all samples, in each bin. */
  double[] shares() {
    long all = 0;
    for (long bin : bins) {
      all += bin;
    }
    double[] shares = new double[bins.length];
    for (int bin = 0; bin < bins.length; bin++) {
      shares[bin] = all == 0 ? 0 : (double) bins[bin] / all;
    }
    return shares;
  }
}
