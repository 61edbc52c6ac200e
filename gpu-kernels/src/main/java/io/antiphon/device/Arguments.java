package io.antiphon.device;

import java.util.ArrayList;
import java.util.List;
import jcuda.NativePointerObject;
import jcuda.Pointer;

/**
 * Arguments of a launch, in the order of the kernel's parameters; types must match them exactly.
 */
public final class Arguments {
  private final List<Pointer> values = new ArrayList<>();

  /** A device address. */
  public Arguments address(long devicePointer) {
    return i64(devicePointer);
  }

  /** An {@code int}. */
  public Arguments i32(int value) {
    values.add(Pointer.to(new int[] {value}));
    return this;
  }

  /** A {@code long long}. */
  public Arguments i64(long value) {
    values.add(Pointer.to(new long[] {value}));
    return this;
  }

  /** A {@code float}. */
  public Arguments f32(float value) {
    values.add(Pointer.to(new float[] {value}));
    return this;
  }

  /** A {@code double}. */
  public Arguments f64(double value) {
    values.add(Pointer.to(new double[] {value}));
    return this;
  }

  /** A {@code __grid_constant__ const CUtensorMap}. */
  public Arguments tensorMap(TensorMap map) {
    values.add(Pointer.to(map.words()));
    return this;
  }

  /** A structure of addresses, {@code const __grid_constant__}; its length is the array's. */
  public Arguments addresses(long[] devicePointers) {
    values.add(Pointer.to(devicePointers.clone()));
    return this;
  }

  Pointer pointers() {
    return Pointer.to(values.toArray(NativePointerObject[]::new));
  }
}
