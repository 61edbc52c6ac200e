package io.antiphon.tensor;

import java.util.Arrays;

/** Extents of a tensor, outermost first; row-major. An extent may be zero. */
public final class Shape {
  private final long[] extents;
  private final long elements;

  private Shape(long[] extents) {
    long product = 1;
    for (long extent : extents) {
      if (extent < 0) {
        throw new IllegalArgumentException(
            "extents must be >= 0, were " + Arrays.toString(extents));
      }
      product = Math.multiplyExact(product, extent);
    }
    this.extents = extents;
    this.elements = product;
  }

  /** The shape with these extents; none for a scalar of one element. */
  public static Shape of(long... extents) {
    return new Shape(extents.clone());
  }

  /** Number of extents. */
  public int order() {
    return extents.length;
  }

  /** Extent at {@code axis}, in {@code [0, order)}. */
  public long extent(int axis) {
    return extents[axis];
  }

  /** Extent at {@code axis} as an int. */
  public int intExtent(int axis) {
    return Math.toIntExact(extents[axis]);
  }

  /** Product of the extents. */
  public long elements() {
    return elements;
  }

  /** Elements of one index of the outermost axis: the product of all extents but the first. */
  public long rowElements() {
    long product = 1;
    for (int axis = 1; axis < extents.length; axis++) {
      product *= extents[axis];
    }
    return product;
  }

  /** This shape with another outermost extent. */
  public Shape withRows(long rows) {
    long[] changed = extents.clone();
    changed[0] = rows;
    return new Shape(changed);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Shape shape && Arrays.equals(extents, shape.extents);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(extents);
  }

  @Override
  public String toString() {
    return Arrays.toString(extents);
  }
}
