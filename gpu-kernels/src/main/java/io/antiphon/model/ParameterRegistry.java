package io.antiphon.model;

import io.antiphon.tensor.AdamTensors;
import io.antiphon.tensor.Arena;
import io.antiphon.tensor.Backend;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.Shape;
import io.antiphon.tensor.Tensor;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Every parameter of the model: the only source for optimizer, norm, gradient reduction and
 * checkpoint. Parameters of one kind lie in one flat buffer, so that each of those is one call per
 * kind.
 */
public final class ParameterRegistry {
  /**
   * Parameters that are reduced and decayed alike, as one flat vector.
   *
   * @param sharding of all members
   * @param decayed whether weight decay applies
   * @param tensors flat tensors of all members
   */
  public record FlatGroup(Parameter.Sharding sharding, boolean decayed, AdamTensors tensors) {}

  private final List<Parameter> parameters = new ArrayList<>();
  private final Set<String> names = new HashSet<>();
  private final List<FlatGroup> groups = new ArrayList<>();

  Parameter matrix(String name, double std, long rows, long columns) {
    Shape shape = Shape.of(rows, columns);
    return add(new Parameter(name, shape, Parameter.Sharding.REPLICATED, true, 0, 0, std));
  }

  Parameter norm(String name, long width) {
    Shape shape = Shape.of(width);
    return add(new Parameter(name, shape, Parameter.Sharding.REPLICATED, false, 0, 1, 0));
  }

  Parameter experts(
      String name, double std, int firstExpert, long localExperts, long rows, long columns) {
    Shape shape = Shape.of(localExperts, rows, columns);
    return add(new Parameter(name, shape, Parameter.Sharding.EXPERT, true, firstExpert, 0, std));
  }

  private Parameter add(Parameter parameter) {
    if (!names.add(parameter.name())) {
      throw new IllegalArgumentException("two parameters are called " + parameter.name());
    }
    parameters.add(parameter);
    return parameter;
  }

  /** Gives every parameter its memory. */
  void allocate(Backend backend, Arena arena) {
    for (Parameter.Sharding sharding : Parameter.Sharding.values()) {
      for (boolean decayed : new boolean[] {true, false}) {
        allocateGroup(backend, arena, sharding, decayed);
      }
    }
  }

  private void allocateGroup(
      Backend backend, Arena arena, Parameter.Sharding sharding, boolean decayed) {
    List<Parameter> members =
        parameters.stream()
            .filter(p -> p.sharding() == sharding && p.decayed() == decayed)
            .toList();
    if (members.isEmpty()) {
      return;
    }
    Shape length = Shape.of(members.stream().mapToLong(p -> p.shape().elements()).sum());
    String name = sharding.name().toLowerCase(java.util.Locale.ROOT) + (decayed ? "" : ".plain");
    DType master = backend.masterType();
    Tensor masters = arena.own(name + ".master", Arena.Category.OPTIMIZER, master, length);
    AdamTensors flat =
        new AdamTensors(
            masters,
            arena.own(name + ".gradient", Arena.Category.GRADIENT, master, length),
            arena.own(name + ".adam.m", Arena.Category.OPTIMIZER, master, length),
            arena.own(name + ".adam.v", Arena.Category.OPTIMIZER, master, length),
            backend.computeType() == master
                ? masters
                : arena.own(
                    name + ".weight", Arena.Category.PARAMETER, backend.computeType(), length));
    groups.add(new FlatGroup(sharding, decayed, flat));
    long first = 0;
    for (Parameter member : members) {
      member.bind(
          new AdamTensors(
              part(flat.master(), first, member),
              part(flat.gradient(), first, member),
              part(flat.firstMoment(), first, member),
              part(flat.secondMoment(), first, member),
              part(flat.weight(), first, member)));
      first += member.shape().elements();
    }
  }

  private static Tensor part(Tensor flat, long first, Parameter parameter) {
    return flat.range(first, parameter.shape().elements()).reshape(parameter.shape());
  }

  /** All parameters of this rank, in the order of their layers. */
  public List<Parameter> parameters() {
    return List.copyOf(parameters);
  }

  /** All parameters as flat vectors; at most one per sharding and decay. */
  public List<FlatGroup> groups() {
    return List.copyOf(groups);
  }
}
