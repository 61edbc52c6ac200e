package io.antiphon.simulate;

/**
 * Random numbers by position: number {@code i} of a stream is a hash of the stream's key and {@code
 * i}, so that streams can be drawn in any order and on any thread. The hash is the finalizer of
 * SplitMix64.
 */
final class RandomStream {
  private static final long GOLDEN = 0x9E3779B97F4A7C15L;

  private long state;

  private RandomStream(long key) {
    this.state = key;
  }

  /** The stream of these coordinates; others get an unrelated stream. */
  static RandomStream of(long... coordinates) {
    long key = coordinates.length;
    for (long coordinate : coordinates) {
      key = mix((key ^ coordinate) + GOLDEN);
    }
    return new RandomStream(key);
  }

  long next() {
    state += GOLDEN;
    return mix(state);
  }

  /** Draws a number in {@code [0, 1)}. */
  double unit() {
    return (next() >>> 11) * 0x1.0p-53;
  }

  /** A value of the standard normal distribution (Box and Muller). */
  double normal() {
    double radius = Math.sqrt(-2 * StrictMath.log(1 - unit()));
    return radius * StrictMath.cos(2 * Math.PI * unit());
  }

  private static long mix(long value) {
    long mixed = (value ^ (value >>> 30)) * 0xBF58476D1CE4E5B9L;
    mixed = (mixed ^ (mixed >>> 27)) * 0x94D049BB133111EBL;
    return mixed ^ (mixed >>> 31);
  }
}
