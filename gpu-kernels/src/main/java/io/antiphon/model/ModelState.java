package io.antiphon.model;

import io.antiphon.tensor.Arena;
import io.antiphon.tensor.Backend;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.HostValues;
import io.antiphon.tensor.Shape;
import io.antiphon.tensor.StepState;
import io.antiphon.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * Everything of one rank that outlives a step: parameters, optimizer state, expert bias, counters.
 */
public final class ModelState implements AutoCloseable {
  /** The counter of replays is not part of the model. */
  private static final int CHECKPOINTED_COUNTERS = 3;

  private final Backend backend;
  private final ModelOptions options;
  private final Arena arena;
  private final ParameterRegistry registry = new ParameterRegistry();
  private final ModelParameters parameters;
  private final List<Router.RouterState> routers = new ArrayList<>();
  private final StepState step;

  /**
   * Allocates and initialises the state.
   *
   * @param expertRank this rank's position in its expert-parallel group
   * @param expertRanks size of that group; must divide the experts
   */
  public ModelState(Backend backend, ModelOptions options, int expertRank, int expertRanks) {
    this(backend, options, expertRank, expertRanks, true);
  }

  private ModelState(
      Backend backend, ModelOptions options, int expertRank, int expertRanks, boolean initialised) {
    int experts = options.moe().experts();
    if (experts % expertRanks != 0) {
      throw new IllegalArgumentException(
          experts + " experts cannot be split evenly over " + expertRanks + " ranks");
    }
    this.backend = backend;
    this.options = options;
    this.arena = new Arena(backend);
    this.parameters = new ModelParameters(registry, options, expertRank, expertRanks);
    registry.allocate(backend, arena);
    if (initialised) {
      new Initializer(backend, options.initialWeights().seed()).initialize(registry);
    }
    refreshWeights();
    for (int layer = 0; layer < options.moeLayers(); layer++) {
      routers.add(routerState(layer));
    }
    step =
        new StepState(
            scalar("counters", DType.I64, 4),
            scalar("overflow", DType.I32, 1),
            scalar("required-rows", DType.I64, 1),
            scalar("apply", DType.I32, 1),
            scalar("learning-rate", DType.F64, 1),
            scalar("clip-factor", DType.F64, 1));
  }

  /** A state whose weights are zero: to be restored, or to see how much memory it takes. */
  public static ModelState blank(
      Backend backend, ModelOptions options, int expertRank, int expertRanks) {
    return new ModelState(backend, options, expertRank, expertRanks, false);
  }

  private Router.RouterState routerState(int layer) {
    int experts = options.moe().experts();
    Tensor bias = scalar("router." + layer + ".bias", backend.masterType(), experts);
    Tensor skew = scalar("router." + layer + ".skew", backend.masterType(), experts);
    if (options.moe().router().skew() > 0) {
      double[] values =
          Initializer.normals(options.initialWeights().seed(), "router.skew." + layer, experts);
      for (int expert = 0; expert < experts; expert++) {
        values[expert] = (float) (options.moe().router().skew() * values[expert]);
      }
      new HostValues(backend.hostIo()).write(skew, values);
    }
    return new Router.RouterState(bias, skew);
  }

  private Tensor scalar(String name, DType dtype, long length) {
    return arena.own(name, Arena.Category.INPUT_OUTPUT, dtype, Shape.of(length));
  }

  /** All parameters. */
  public ParameterRegistry registry() {
    return registry;
  }

  /**
   * Expert bias of each mixture-of-experts layer, master type {@code [experts]}; part of a
   * checkpoint.
   */
  public List<Tensor> expertBiases() {
    return routers.stream().map(Router.RouterState::bias).toList();
  }

  /** I64 {@code [3]}: committed steps, applied updates, skipped updates; part of a checkpoint. */
  public Tensor counters() {
    return step.counters().range(0, CHECKPOINTED_COUNTERS);
  }

  /** Overwrites the weights that enter GEMMs with the masters, after those were restored. */
  public void refreshWeights() {
    for (ParameterRegistry.FlatGroup group : registry.groups()) {
      backend.ops().copy(group.tensors().master(), group.tensors().weight());
    }
  }

  /** Clears the sticky overflow flag, before a step reruns with more capacity. */
  public void clearOverflow() {
    new HostValues(backend.hostIo()).write(step.overflow(), 0);
  }

  /** The memory plan of the state. */
  public String memoryPlan() {
    return arena.plan();
  }

  /** Bytes of the state. */
  public long bytes() {
    return arena.bytes();
  }

  /** Bytes of one category of the state. */
  public long bytes(Arena.Category category) {
    return arena.bytes(category);
  }

  ModelOptions options() {
    return options;
  }

  Backend backend() {
    return backend;
  }

  ModelParameters parameters() {
    return parameters;
  }

  List<Router.RouterState> routers() {
    return routers;
  }

  StepState step() {
    return step;
  }

  @Override
  public void close() {
    arena.close();
  }
}
