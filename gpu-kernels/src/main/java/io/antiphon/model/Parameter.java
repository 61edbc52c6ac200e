package io.antiphon.model;

import io.antiphon.tensor.AdamTensors;
import io.antiphon.tensor.Shape;
import io.antiphon.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** One named weight of this rank, with its master, gradient and optimizer state. */
public final class Parameter {
  /** Which ranks hold a parameter. */
  public enum Sharding {
    /** Every rank holds all of it. */
    REPLICATED,
    /** The outermost extent counts this rank's home experts. */
    EXPERT
  }

  private final String name;
  private final Shape shape;
  private final Sharding sharding;
  private final boolean decayed;
  private final int firstExpert;
  private final double initialValue;
  private final double initialStd;
  private @Nullable AdamTensors tensors;

  Parameter(
      String name,
      Shape shape,
      Sharding sharding,
      boolean decayed,
      int firstExpert,
      double initialValue,
      double initialStd) {
    this.name = name;
    this.shape = shape;
    this.sharding = sharding;
    this.decayed = decayed;
    this.firstExpert = firstExpert;
    this.initialValue = initialValue;
    this.initialStd = initialStd;
  }

  /** Dotted name, the same on every rank; {@code {expert}} stands where an expert's number goes. */
  public String name() {
    return name;
  }

  /** Name of one expert's share. */
  public String expertName(int expert) {
    return name.replace("{expert}", Integer.toString(expert));
  }

  /** Extents on this rank. */
  public Shape shape() {
    return shape;
  }

  /** Which ranks hold it. */
  public Sharding sharding() {
    return sharding;
  }

  /** First home expert held here; 0 for a replicated parameter. */
  public int firstExpert() {
    return firstExpert;
  }

  boolean decayed() {
    return decayed;
  }

  double initialValue() {
    return initialValue;
  }

  double initialStd() {
    return initialStd;
  }

  void bind(AdamTensors bound) {
    tensors = bound;
  }

  /** All its tensors; each has the parameter's shape. */
  public AdamTensors tensors() {
    AdamTensors bound = tensors;
    if (bound == null) {
      throw new IllegalStateException("parameter " + name + " has no memory yet");
    }
    return bound;
  }

  /** The weight that enters a GEMM. */
  public Tensor weight() {
    return tensors().weight();
  }

  /** The gradient, in master type. */
  public Tensor gradient() {
    return tensors().gradient();
  }
}
