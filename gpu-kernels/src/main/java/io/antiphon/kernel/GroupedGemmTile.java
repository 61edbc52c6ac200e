package io.antiphon.kernel;

import io.antiphon.kernel.GroupedGemm.Pass;

/**
 * Which tile of the result a block of the Hopper kernels computes: 128 rows by 128 or 256 columns.
 */
final class GroupedGemmTile {
  static final int ROWS = 128;
  static final int NARROW = 128;
  static final int WIDE = 256;

  /**
   * Time of a narrow tile over half the time of a wide one, measured on an H100: it loads more
   * bytes per product.
   */
  private static final double NARROW_COST = 1.4;

  private GroupedGemmTile() {}

  /**
   * Columns of the tile that needs the least time when the experts share the rows evenly.
   *
   * @param capacity rows that the row tensors hold
   * @param multiprocessors blocks that work at a time
   */
  static int columns(
      Pass pass, int physicalExperts, long capacity, int out, int in, int multiprocessors) {
    int resultColumns = pass == Pass.FORWARD ? out : in;
    long rowTiles =
        pass == Pass.WEIGHT_GRADIENT
            ? (long) physicalExperts * tiles(out, ROWS)
            : tiles(capacity, ROWS) + physicalExperts / 2; // half of the experts end in mid-tile
    double narrow =
        NARROW_COST * tiles(rowTiles * tiles(resultColumns, NARROW), multiprocessors) * NARROW;
    double wide = (double) tiles(rowTiles * tiles(resultColumns, WIDE), multiprocessors) * WIDE;
    return narrow < wide ? NARROW : WIDE;
  }

  private static long tiles(long extent, int tile) {
    return (extent + tile - 1) / tile;
  }
}
