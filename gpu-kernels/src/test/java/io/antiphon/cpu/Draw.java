package io.antiphon.cpu;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/** The values of the arguments of an {@link OpCase}, by name. */
final class Draw {
  private final Map<String, double[]> values = new LinkedHashMap<>();

  double[] of(String argument) {
    return Objects.requireNonNull(values.get(argument), argument);
  }

  void put(String argument, double[] drawn) {
    values.put(argument, drawn);
  }

  /** A copy that can be changed alone. */
  Draw copy() {
    Draw copy = new Draw();
    values.forEach((name, drawn) -> copy.put(name, drawn.clone()));
    return copy;
  }
}
