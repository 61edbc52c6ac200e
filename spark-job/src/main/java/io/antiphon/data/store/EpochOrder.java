package io.antiphon.data.store;

import io.antiphon.data.Mix64;
import io.antiphon.data.SeededPermutation;
import org.jspecify.annotations.Nullable;

/**
 * Which stored sequence stands at a position of an endless training order.
 *
 * <p>Epoch 0 is the stored order, which is random already. Every later epoch is a permutation drawn
 * from seed and epoch: the stored sequences, seen as a ring turned by a random offset, are cut into
 * blocks of neighbours (the last one may be short); the blocks are permuted, then the sequences
 * inside each. Blocks keep reads of large stores local, the offset cuts them elsewhere in every
 * epoch, and a block of one sequence makes it a full permutation. No table is kept, so any position
 * is reached at once.
 */
final class EpochOrder {
  private static final long OFFSET = 1;
  private static final long BLOCKS = 2;
  private static final long INSIDE = 3;

  private final long sequences;
  private final long block;
  private final long blocks;
  private final long lastLength;
  private final long seed;
  private final boolean reshuffled;
  private long epoch = -1;
  private long offset;
  private long lastPlace;
  private @Nullable SeededPermutation blockOrder;

  private EpochOrder(long sequences, long block, long seed, boolean reshuffled) {
    this.sequences = sequences;
    this.block = Math.min(block, sequences);
    this.blocks = (sequences - 1) / this.block + 1;
    this.lastLength = sequences - (blocks - 1) * this.block;
    this.seed = seed;
    this.reshuffled = reshuffled;
  }

  /** The stored order again and again. */
  static EpochOrder asStored(long sequences) {
    return new EpochOrder(sequences, 1, 0, false);
  }

  /** Reshuffled from the second epoch on, in blocks of {@code block} neighbours. */
  static EpochOrder reshuffled(long sequences, long block, long seed) {
    return new EpochOrder(sequences, block, seed, true);
  }

  /** Index of the stored sequence at a position that counts on through epochs. */
  long stored(long position) {
    if (position < 0) {
      throw new IllegalArgumentException("position must be >= 0, was " + position);
    }
    long ofEpoch = position / sequences;
    long place = position % sequences;
    if (ofEpoch == 0 || !reshuffled) {
      return place;
    }
    SeededPermutation order = blockOrder(ofEpoch);
    long lastStart = lastPlace * block;
    long blockPlace;
    long inside;
    if (place < lastStart) {
      blockPlace = place / block;
      inside = place % block;
    } else if (place < lastStart + lastLength) {
      blockPlace = lastPlace;
      inside = place - lastStart;
    } else {
      long after = place - lastStart - lastLength;
      blockPlace = lastPlace + 1 + after / block;
      inside = after % block;
    }
    long chosen = order.apply(blockPlace);
    long length = chosen == blocks - 1 ? lastLength : block;
    long key = Mix64.of(Mix64.of(seed, ofEpoch, INSIDE), chosen);
    long turned = chosen * block + new SeededPermutation(length, key).apply(inside) + offset;
    return turned < sequences ? turned : turned - sequences;
  }

  private SeededPermutation blockOrder(long ofEpoch) {
    SeededPermutation order = blockOrder;
    if (order == null || epoch != ofEpoch) {
      order = new SeededPermutation(blocks, Mix64.of(seed, ofEpoch, BLOCKS));
      offset = Math.floorMod(Mix64.of(seed, ofEpoch, OFFSET), sequences);
      lastPlace = order.invert(blocks - 1);
      epoch = ofEpoch;
      blockOrder = order;
    }
    return order;
  }
}
