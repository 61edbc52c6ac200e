package io.antiphon.cpu;

import io.antiphon.tensor.Backend;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.Shape;

/**
 * One tensor of an {@link OpCase}.
 *
 * @param name as the operation's errors name it
 * @param kind its type on a backend
 * @param shape its extents
 * @param access what the operation does with it
 * @param trait what sets it apart
 * @param fill its values; ignored where the operation only writes
 */
record OpArgument(String name, Kind kind, Shape shape, Access access, Trait trait, Fill fill) {
  /** Element type, by its role in a backend. */
  enum Kind {
    REAL,
    MASTER,
    F64,
    I32,
    I64;

    DType on(Backend backend) {
      return switch (this) {
        case REAL -> backend.computeType();
        case MASTER -> backend.masterType();
        case F64 -> DType.F64;
        case I32 -> DType.I32;
        case I64 -> DType.I64;
      };
    }

    /** Whether its precision differs between backends. */
    boolean isRounded() {
      return this == REAL || this == MASTER;
    }
  }

  /** What an operation does with an argument. */
  enum Access {
    READ,
    /** Whatever it held before. */
    WRITTEN,
    /** The result is added to what it holds. */
    ADDED,
    /** Read and overwritten, or left alone: depends on the data. */
    UPDATED,
    /** No argument of the operation: of the forward whose backward the operation is. */
    FORWARD_ONLY
  }

  /** What sets an argument apart from others. */
  enum Trait {
    NONE,
    /** Only the rows below the sum of "rowCounts" are in play. */
    ROW_LIMITED,
    /** A perturbation would change decisions, so its rounding does not count. */
    DECISIVE
  }

  boolean isResult() {
    return access != Access.READ && access != Access.FORWARD_ONLY;
  }

  /** Number of leading elements that the operation may touch, given the drawn row counts. */
  int live(Draw draw) {
    if (trait != Trait.ROW_LIMITED) {
      return (int) shape.elements();
    }
    double rows = 0;
    for (double count : draw.of("rowCounts")) {
      rows += count;
    }
    return (int) (rows * shape.rowElements());
  }
}
