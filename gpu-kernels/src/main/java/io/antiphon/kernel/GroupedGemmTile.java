package io.antiphon.kernel;

import io.antiphon.device.Architecture;
import io.antiphon.tensor.DType;

/** A version of the grouped GEMM kernels with the tile of the result that a block computes. */
enum GroupedGemmTile {
  /** Plain fp32 on any size: the check mode. */
  FLOAT(64, 64),
  /** Tensor cores, operands fetched one element at a time: any size and any view. */
  ELEMENTS(128, 128),
  /** Tensor cores, operands fetched in words of 16 bytes. */
  WORDS(128, 128),
  /** Warpgroups of Hopper, for few tiles or narrow results. */
  HOPPER_NARROW(128, 128),
  /** Warpgroups of Hopper. */
  HOPPER_WIDE(128, 256);

  /**
   * Time of a narrow tile relative to half a wide one, measured: it moves more bytes per product.
   */
  private static final double NARROW_COST = 1.4;

  private static final int WORD_ELEMENTS = 8;
  private static final int HOPPER_DEPTH = 64;

  private final int rows;
  private final int columns;

  GroupedGemmTile(int rows, int columns) {
    this.rows = rows;
    this.columns = columns;
  }

  /** What a grouped GEMM computes, in the order of the device code's {@code GemmPass}. */
  enum Pass {
    FORWARD,
    INPUT_GRADIENT,
    WEIGHT_GRADIENT
  }

  /**
   * One grouped GEMM as the host knows it.
   *
   * @param capacity rows that the row tensors hold
   * @param wordAligned whether every address is a multiple of 16 bytes
   */
  record Problem(
      Pass pass, int physicalExperts, long capacity, int out, int in, boolean wordAligned) {
    /** Columns of the result. */
    int resultColumns() {
      return pass == Pass.FORWARD ? out : in;
    }

    /** Tiles of the result if experts share the rows evenly. */
    long tiles(GroupedGemmTile tile) {
      long rowTiles =
          pass == Pass.WEIGHT_GRADIENT
              ? (long) physicalExperts * tiles(out, tile.rows)
              : tiles(capacity, tile.rows) + physicalExperts / 2;
      return rowTiles * tiles(resultColumns(), tile.columns);
    }

    private static long tiles(long extent, int tile) {
      return (extent + tile - 1) / tile;
    }
  }

  /** Columns of a tile. */
  int columns() {
    return columns;
  }

  /** Whether it uses Hopper's own instructions. */
  boolean isHopper() {
    return this == HOPPER_NARROW || this == HOPPER_WIDE;
  }

  /** The fastest version that is right for the problem. */
  static GroupedGemmTile choose(
      DType real, Architecture architecture, int multiprocessors, Problem problem) {
    if (real == DType.F32) {
      return FLOAT;
    }
    if (!problem.wordAligned()
        || problem.out() % WORD_ELEMENTS != 0
        || problem.in() % WORD_ELEMENTS != 0) {
      return ELEMENTS;
    }
    // A step in depth of the input gradient must not reach into the next expert's weights.
    boolean wholeSteps = problem.pass() != Pass.INPUT_GRADIENT || problem.out() % HOPPER_DEPTH == 0;
    boolean empty = problem.capacity() == 0 || problem.out() == 0 || problem.in() == 0;
    if (!architecture.isHopper() || !wholeSteps || empty) {
      return WORDS;
    }
    double narrow = NARROW_COST * waves(problem.tiles(HOPPER_NARROW), multiprocessors);
    double wide = 2.0 * waves(problem.tiles(HOPPER_WIDE), multiprocessors);
    return narrow < wide ? HOPPER_NARROW : HOPPER_WIDE;
  }

  private static long waves(long tiles, int multiprocessors) {
    return (tiles + multiprocessors - 1) / multiprocessors;
  }
}
