package io.antiphon.tensor;

/** A row-major view of backend memory. It has no host access: {@link HostIo} alone has. */
public final class Tensor {
  private final Storage storage;
  private final long offset;
  private final Shape shape;

  private Tensor(Storage storage, long offset, Shape shape) {
    if (offset < 0 || Math.addExact(offset, shape.elements()) > storage.elements()) {
      throw new IllegalArgumentException(
          "a view of shape "
              + shape
              + " at element "
              + offset
              + " leaves its storage of "
              + storage.elements()
              + " elements");
    }
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
  }

  /** The view of {@code shape} at the start of {@code storage}. */
  public static Tensor of(Storage storage, Shape shape) {
    return new Tensor(storage, 0, shape);
  }

  /** Memory this tensor views. */
  public Storage storage() {
    return storage;
  }

  /** First element of the view, counted in elements from the start of its storage. */
  public long offset() {
    return offset;
  }

  /** Element type. */
  public DType dtype() {
    return storage.dtype();
  }

  /** Extents. */
  public Shape shape() {
    return shape;
  }

  /** Number of elements. */
  public long elements() {
    return shape.elements();
  }

  /** Extent at {@code axis} as an int. */
  public int extent(int axis) {
    return shape.intExtent(axis);
  }

  /** The view of rows {@code [first, first + rows)} of the outermost axis. */
  public Tensor rows(long first, long rows) {
    if (first < 0 || rows < 0 || first + rows > shape.extent(0)) {
      throw new IllegalArgumentException(
          "rows [" + first + ", " + (first + rows) + ") are not in " + shape);
    }
    return new Tensor(storage, offset + first * shape.rowElements(), shape.withRows(rows));
  }

  /** The view of {@code elements} elements from {@code first} as a vector. */
  public Tensor range(long first, long elements) {
    if (first < 0 || elements < 0 || first + elements > elements()) {
      throw new IllegalArgumentException(
          "elements [" + first + ", " + (first + elements) + ") are not in " + shape);
    }
    return new Tensor(storage, offset + first, Shape.of(elements));
  }

  /** A view of the same elements under other extents. */
  public Tensor reshape(long... extents) {
    return reshape(Shape.of(extents));
  }

  /** A view of the same elements under another shape. */
  public Tensor reshape(Shape other) {
    if (other.elements() != elements()) {
      throw new IllegalArgumentException(shape + " cannot be viewed as " + other);
    }
    return new Tensor(storage, offset, other);
  }

  /**
   * Fails unless this tensor has the given type and shape; {@code argument} names it in the error.
   */
  public void require(String argument, DType dtype, Shape expected) {
    if (dtype() != dtype || !shape.equals(expected)) {
      throw new IllegalArgumentException(
          argument + " must be " + dtype + expected + ", was " + dtype() + shape);
    }
  }

  @Override
  public String toString() {
    return dtype() + shape.toString();
  }
}
