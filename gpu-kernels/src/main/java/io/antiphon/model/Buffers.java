package io.antiphon.model;

import io.antiphon.tensor.Arena;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.Shape;
import io.antiphon.tensor.Tensor;

/** Activations of one layer, by how long they must live. */
final class Buffers {
  private final StepContext context;
  private final String layer;

  Buffers(StepContext context, String layer) {
    this.context = context;
    this.layer = layer;
  }

  /** Lives from forward to backward of this layer, recomputed or not. */
  Tensor kept(String name, DType dtype, long... extents) {
    return context.arena().own(layer + "." + name, Arena.Category.SAVED, dtype, Shape.of(extents));
  }

  /** Lives from forward to backward; with recompute it is filled again and all layers share it. */
  Tensor saved(String name, DType dtype, long... extents) {
    if (!context.model().recompute()) {
      return kept(name, dtype, extents);
    }
    return context
        .arena()
        .shared("recomputed." + name, Arena.Category.SAVED, dtype, Shape.of(extents));
  }

  /** Lives inside one forward or one backward of a layer; all layers share it. */
  Tensor scratch(String name, DType dtype, long... extents) {
    return context
        .arena()
        .shared("scratch." + name, Arena.Category.SCRATCH, dtype, Shape.of(extents));
  }
}
