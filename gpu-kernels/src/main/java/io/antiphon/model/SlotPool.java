package io.antiphon.model;

import io.antiphon.tensor.Arena;
import io.antiphon.tensor.Collectives;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.ExpertWeights;
import io.antiphon.tensor.Lane;
import io.antiphon.tensor.Shape;
import io.antiphon.tensor.Tensor;
import java.util.Arrays;

/**
 * Weights of echo slots, shared by all layers: two entries, used in turn, so that one can be filled
 * while the other is in use. Filled in forward, filled again in backward where another layer has
 * taken the entry since.
 *
 * <p>If clones are reused, every layer has an entry of its own: it holds its weights from forward
 * to backward, which needs no second filling, and on to the next micro-batch, which sends only what
 * is missing. The price is memory: weights of {@code slotsPerRank} experts for each layer beyond
 * two. Gradients are reduced before the entry's next layer, and stay at two entries.
 */
final class SlotPool {
  private static final int SHARED_ENTRIES = 2;
  private static final int NOBODY = -1;

  private record Entry(Tensor gateUp, Tensor down) {}

  /** What the compute lane awaits before it reads a projection's slots or writes gradients. */
  record Filling(Lane.Mark gateUp, Lane.Mark down) {}

  private final StepContext context;
  private final Collectives weights;
  private final Entry[] entries;
  private final Entry[] gradients = new Entry[SHARED_ENTRIES];
  private final int[] holders;
  private final boolean[] filledBefore;
  private boolean accumulatesGradients;

  SlotPool(StepContext context) {
    this.context = context;
    this.weights = context.groups().weights();
    this.entries = new Entry[entries(context.model(), context.reuseClones())];
    this.holders = new int[entries.length];
    this.filledBefore = new boolean[entries.length];
    for (int i = 0; i < entries.length; i++) {
      entries[i] = entry("slots." + i, "", Arena.Category.PARAMETER, context.real());
    }
    for (int i = 0; i < gradients.length; i++) {
      gradients[i] = entry("slots." + i, ".gradient", Arena.Category.GRADIENT, context.master());
    }
    Arrays.fill(holders, NOBODY);
  }

  private Entry entry(String prefix, String suffix, Arena.Category category, DType dtype) {
    MoeOptions moe = context.model().moe();
    long slots = moe.echo().slotsPerRank();
    Shape gateUp = Shape.of(slots, 2L * moe.expertFfn(), context.model().hidden());
    Shape down = Shape.of(slots, context.model().hidden(), moe.expertFfn());
    Arena arena = context.arena();
    return new Entry(
        arena.own(prefix + ".fc1" + suffix, category, dtype, gateUp),
        arena.own(prefix + ".fc2" + suffix, category, dtype, down));
  }

  private static int entries(ModelOptions model, boolean reuseClones) {
    return reuseClones ? Math.max(SHARED_ENTRIES, model.moeLayers()) : SHARED_ENTRIES;
  }

  /** How often a micro-batch fills the slots of {@code layer} if clones are not reused. */
  static int fillsPerMicroBatch(ModelOptions model, int layer) {
    return layer < model.moeLayers() - SHARED_ENTRIES ? 2 : 1;
  }

  /**
   * Bytes of a clone's weights if slots hold them for reuse, else 0: what not sending one saves.
   */
  static long reusedBytes(StepContext context) {
    MoeOptions moe = context.model().moe();
    long elements = 3L * moe.expertFfn() * context.model().hidden();
    return context.reuseClones() ? elements * context.real().bytes() : 0;
  }

  /**
   * A new micro-batch has new plans, so that every layer must fill its slots again.
   *
   * @param firstOfStep whether the experts have changed since the last one: what the slots hold is
   *     worthless then, and so are the experts' gradients
   */
  void startMicroBatch(boolean firstOfStep) {
    Arrays.fill(holders, NOBODY);
    accumulatesGradients = !firstOfStep;
    if (firstOfStep) {
      Arrays.fill(filledBefore, false);
    } else {
      // Reductions of the last micro-batch still read the plans that this one writes.
      context.backend().computeLane().await(context.backend().transferLane().record());
    }
  }

  /**
   * Whether the slots of {@code layer} hold weights from an earlier micro-batch that are still
   * those of the experts; never unless clones are reused.
   */
  boolean holdsWeights(int layer) {
    return context.reuseClones() && filledBefore[layer];
  }

  /**
   * Enqueues the weight dispatch of {@code layer} on the transfer lane for its forward, unless its
   * entry still holds it.
   *
   * @param toSend I32 {@code [slots]}: expert to send to each slot, -1 for a slot that keeps its
   *     weights
   */
  Filling fillForward(int layer, ModelParameters.Ffn home, Tensor toSend) {
    boolean fills = startFilling(layer, toSend);
    Lane.Mark gateUp = fillOne(fills, home.gateUp(), toSend, entry(layer).gateUp());
    Lane.Mark down = fillOne(fills, home.down(), toSend, entry(layer).down());
    return new Filling(gateUp, down);
  }

  /** Enqueues the weight dispatch of {@code layer} for its backward, which needs FC2 first. */
  Filling fillBackward(int layer, ModelParameters.Ffn home, Tensor toSend) {
    boolean fills = startFilling(layer, toSend);
    Lane.Mark down = fillOne(fills, home.down(), toSend, entry(layer).down());
    Lane.Mark gateUp = fillOne(fills, home.gateUp(), toSend, entry(layer).gateUp());
    return new Filling(gateUp, down);
  }

  private boolean startFilling(int layer, Tensor toSend) {
    int place = layer % entries.length;
    if (holders[place] == layer || toSend.elements() == 0) {
      return false;
    }
    context.backend().transferLane().await(context.backend().computeLane().record());
    holders[place] = layer;
    filledBefore[place] = true;
    return true;
  }

  private Lane.Mark fillOne(boolean fills, Parameter home, Tensor toSend, Tensor slots) {
    if (fills) {
      weights.dispatchWeights(home.weight(), toSend, slots);
    }
    return context.backend().transferLane().record();
  }

  /**
   * Enqueues the reduction of the slots' FC2 gradients into the home experts; call after the wgrad.
   */
  void reduceDown(int layer, ModelParameters.Ffn home, Tensor slotHome) {
    reduce(gradient(layer).down(), slotHome, home.down());
  }

  /**
   * Enqueues the reduction of the slots' FC1 gradients into the home experts; call after the wgrad.
   */
  void reduceGateUp(int layer, ModelParameters.Ffn home, Tensor slotHome) {
    reduce(gradient(layer).gateUp(), slotHome, home.gateUp());
  }

  private void reduce(Tensor gradient, Tensor slotHome, Parameter home) {
    if (slotHome.elements() == 0) {
      return;
    }
    Lane transfer = context.backend().transferLane();
    transfer.await(context.backend().computeLane().record());
    weights.reduceSlotGradients(gradient, slotHome, home.gradient());
  }

  ExpertWeights gateUp(int layer, ModelParameters.Ffn home) {
    return new ExpertWeights(home.gateUp().weight(), entry(layer).gateUp());
  }

  ExpertWeights down(int layer, ModelParameters.Ffn home) {
    return new ExpertWeights(home.down().weight(), entry(layer).down());
  }

  ExpertWeights gateUpGradient(int layer, ModelParameters.Ffn home) {
    return new ExpertWeights(home.gateUp().gradient(), gradient(layer).gateUp());
  }

  ExpertWeights downGradient(int layer, ModelParameters.Ffn home) {
    return new ExpertWeights(home.down().gradient(), gradient(layer).down());
  }

  /** Whether gradients of home experts hold those of earlier micro-batches of the step. */
  boolean accumulatesGradients() {
    return accumulatesGradients;
  }

  private Entry entry(int layer) {
    return entries[layer % entries.length];
  }

  private Entry gradient(int layer) {
    return gradients[layer % gradients.length];
  }
}
