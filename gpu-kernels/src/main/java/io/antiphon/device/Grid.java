package io.antiphon.device;

/**
 * Blocks of a launch.
 *
 * @param x blocks along x
 * @param y blocks along y, at most 65,535
 * @param z blocks along z, at most 65,535
 * @param threads threads per block, one-dimensional
 */
public record Grid(int x, int y, int z, int threads) {
  private static final int MAX_OTHER_BLOCKS = 65_535;
  private static final int MAX_THREADS = 1024;
  private static final int BLOCKS_PER_MULTIPROCESSOR = 16;

  /** Validates against what every supported device takes. */
  public Grid {
    if (x < 1 || y < 1 || z < 1 || y > MAX_OTHER_BLOCKS || z > MAX_OTHER_BLOCKS) {
      throw new IllegalArgumentException(
          "a grid has 1 to 2147483647 x 65535 x 65535 blocks, was " + x + " x " + y + " x " + z);
    }
    if (threads < 1 || threads > MAX_THREADS) {
      throw new IllegalArgumentException("a block has 1 to 1024 threads, was " + threads);
    }
  }

  /** Blocks along x only. */
  public static Grid of(long blocks, int threads) {
    return new Grid(Math.toIntExact(blocks), 1, 1, threads);
  }

  /** Blocks for a kernel that strides over {@code elements}: enough to fill the device, no more. */
  public static Grid striding(long elements, int threads, Device device) {
    long needed = (elements + threads - 1) / threads;
    long most = (long) device.multiprocessors() * BLOCKS_PER_MULTIPROCESSOR;
    return of(Math.max(1, Math.min(needed, most)), threads);
  }
}
