package io.antiphon.model;

import io.antiphon.tensor.Arena;
import io.antiphon.tensor.Collectives;
import io.antiphon.tensor.ExpertWeights;
import io.antiphon.tensor.Lane;
import io.antiphon.tensor.PlanTensors;
import io.antiphon.tensor.Shape;
import io.antiphon.tensor.Tensor;
import java.util.Arrays;

/**
 * Weights of echo slots, shared by all layers: two entries, used in turn, so that one can be filled
 * while the other is in use. Filled in forward, filled again in backward where another layer has
 * taken the entry since.
 */
final class SlotPool {
  private static final int ENTRIES = 2;
  private static final int NOBODY = -1;

  private record Entry(Tensor gateUp, Tensor down, Tensor gateUpGradient, Tensor downGradient) {}

  private final StepContext context;
  private final Collectives weights;
  private final Entry[] entries = new Entry[ENTRIES];
  private final int[] holders = new int[ENTRIES];

  SlotPool(StepContext context) {
    this.context = context;
    this.weights = context.groups().weights();
    MoeOptions moe = context.model().moe();
    long slots = moe.slotsPerRank();
    Shape gateUp = Shape.of(slots, 2L * moe.expertFfn(), context.model().hidden());
    Shape down = Shape.of(slots, context.model().hidden(), moe.expertFfn());
    Arena arena = context.arena();
    for (int i = 0; i < ENTRIES; i++) {
      String name = "slots." + i;
      entries[i] =
          new Entry(
              arena.own(name + ".fc1", Arena.Category.PARAMETER, context.real(), gateUp),
              arena.own(name + ".fc2", Arena.Category.PARAMETER, context.real(), down),
              arena.own(name + ".fc1.gradient", Arena.Category.GRADIENT, context.master(), gateUp),
              arena.own(name + ".fc2.gradient", Arena.Category.GRADIENT, context.master(), down));
    }
    Arrays.fill(holders, NOBODY);
  }

  /** Forgets what the slots hold: a new micro-batch has new plans. */
  void startMicroBatch() {
    Arrays.fill(holders, NOBODY);
  }

  /**
   * Enqueues the weight dispatch of {@code layer} on the transfer lane, unless its entry still
   * holds it; the compute lane must await the mark before it reads the slots.
   */
  Lane.Mark fill(int layer, ModelParameters.Ffn home, PlanTensors plan) {
    Lane transfer = context.backend().transferLane();
    Entry entry = entry(layer);
    if (holders[layer % ENTRIES] != layer && plan.slots() > 0) {
      transfer.await(context.backend().computeLane().record());
      weights.dispatchWeights(home.gateUp().weight(), plan, entry.gateUp());
      weights.dispatchWeights(home.down().weight(), plan, entry.down());
      holders[layer % ENTRIES] = layer;
    }
    return transfer.record();
  }

  /**
   * Enqueues the reduction of the slots' FC2 gradients into the home experts; call after the wgrad.
   */
  void reduceDown(int layer, ModelParameters.Ffn home, PlanTensors plan) {
    reduce(entry(layer).downGradient(), plan, home.down());
  }

  /**
   * Enqueues the reduction of the slots' FC1 gradients into the home experts; call after the wgrad.
   */
  void reduceGateUp(int layer, ModelParameters.Ffn home, PlanTensors plan) {
    reduce(entry(layer).gateUpGradient(), plan, home.gateUp());
  }

  private void reduce(Tensor gradient, PlanTensors plan, Parameter home) {
    if (plan.slots() == 0) {
      return;
    }
    Lane transfer = context.backend().transferLane();
    transfer.await(context.backend().computeLane().record());
    weights.reduceSlotGradients(gradient, plan, home.gradient());
  }

  ExpertWeights gateUp(int layer, ModelParameters.Ffn home) {
    return new ExpertWeights(home.gateUp().weight(), entry(layer).gateUp());
  }

  ExpertWeights down(int layer, ModelParameters.Ffn home) {
    return new ExpertWeights(home.down().weight(), entry(layer).down());
  }

  ExpertWeights gateUpGradient(int layer, ModelParameters.Ffn home) {
    return new ExpertWeights(home.gateUp().gradient(), entry(layer).gateUpGradient());
  }

  ExpertWeights downGradient(int layer, ModelParameters.Ffn home) {
    return new ExpertWeights(home.down().gradient(), entry(layer).downGradient());
  }

  private Entry entry(int layer) {
    return entries[layer % ENTRIES];
  }
}
