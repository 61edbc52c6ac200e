package io.antiphon.model;

import io.antiphon.tensor.Arena;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.Ops;
import io.antiphon.tensor.Shape;
import io.antiphon.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Decoder-only transformer over one micro-batch: embedding, blocks, norm, head and loss. */
final class Transformer {
  /**
   * Logits are computed for so many elements at a time, so that they never exist for all tokens at
   * once.
   */
  private static final long LOGIT_ELEMENTS = 1L << 22;

  /** One block: {@code middle = attention(in)}, {@code out = ffn(middle)}. */
  private record Block(Optional<Layer> attention, Layer ffn, Tensor in, Tensor middle) {}

  private final StepContext context;
  private final Ops ops;
  private final ModelParameters parameters;
  private final SlotPool slots;
  private final List<Block> blocks = new ArrayList<>();
  private final Tensor inputs;
  private final Tensor targets;
  private final Tensor documentStarts;
  private final Tensor last;
  private final Tensor normed;
  private final Tensor inverseRms;
  private final Tensor logits;
  private final Tensor dX;
  private final Tensor dNormed;
  private final int chunk;

  /**
   * @param routers one entry per mixture-of-experts layer
   * @param losses F64 {@code [2]}: router losses, added to by backward
   * @param statistics F64 {@code [moeLayers, ..]}: loads, added to by forward
   */
  Transformer(
      StepContext context,
      ModelParameters parameters,
      List<Router.RouterState> routers,
      Tensor losses,
      Tensor statistics) {
    this.context = context;
    this.ops = context.ops();
    this.parameters = parameters;
    ModelOptions model = context.model();
    int tokens = context.tokens();
    DType real = context.real();
    Buffers buffers = new Buffers(context, "model");
    inputs = buffers.kept("inputs", DType.I32, tokens);
    targets = buffers.kept("targets", DType.I32, tokens);
    documentStarts = buffers.kept("document-starts", DType.I32, tokens);
    slots = new SlotPool(context);
    int moeLayer = 0;
    for (int layer = 0; layer < model.layers(); layer++) {
      String name = "layers." + layer;
      ModelParameters.Block block = parameters.block(layer);
      Buffers own = new Buffers(context, name);
      Tensor in = own.kept("in", real, tokens, model.hidden());
      Optional<Layer> attention =
          block
              .attention()
              .map(weights -> new AttentionLayer(context, weights, documentStarts, name));
      Tensor middle =
          attention.isPresent() ? own.saved("middle", real, tokens, model.hidden()) : in;
      Layer ffn;
      if (block.moe().isPresent()) {
        ffn =
            new MoeLayer(
                context,
                moeLayer,
                block.ffnNorm(),
                block.moe().orElseThrow(),
                routers.get(moeLayer),
                slots,
                losses,
                statistics.rows(moeLayer, 1).reshape(statistics.shape().rowElements()),
                name);
        moeLayer++;
      } else {
        ffn = new DenseLayer(context, block.ffnNorm(), block.dense().orElseThrow(), name);
      }
      blocks.add(new Block(attention, ffn, in, middle));
    }
    last = buffers.kept("last", real, tokens, model.hidden());
    normed = buffers.kept("normed", real, tokens, model.hidden());
    inverseRms = buffers.kept("inverse-rms", context.master(), tokens);
    dX = buffers.scratch("d-x", real, tokens, model.hidden());
    dNormed = buffers.scratch("d-normed", real, tokens, model.hidden());
    chunk = (int) Math.max(1, Math.min(tokens, LOGIT_ELEMENTS / model.vocabulary()));
    logits =
        context
            .arena()
            .own("logits", Arena.Category.SCRATCH, real, Shape.of(chunk, model.vocabulary()));
  }

  /**
   * Splits {@code batch}, I32 {@code [sequences, sequenceLength + 1]}, and adds its number of
   * targets.
   */
  void countTargets(Tensor batch, Tensor targetCount) {
    prepare(batch);
    ops.countTargets(targets, targetCount);
  }

  private void prepare(Tensor batch) {
    ops.prepareBatch(batch, context.model().endOfText(), inputs, targets, documentStarts);
  }

  /**
   * Enqueues the forward up to the final norm.
   *
   * @param firstOfStep whether this is the first forward since the weights changed
   */
  void forward(Tensor batch, boolean firstOfStep) {
    prepare(batch);
    slots.startMicroBatch(firstOfStep);
    ops.embed(inputs, parameters.embedding().weight(), blocks.get(0).in());
    for (int i = 0; i < blocks.size(); i++) {
      Block block = blocks.get(i);
      forward(block, i + 1 < blocks.size() ? blocks.get(i + 1).in() : last, Layer.Pass.FORWARD);
    }
    ops.rmsNorm(
        last, parameters.finalNorm().weight(), context.model().normEpsilon(), normed, inverseRms);
  }

  private static void forward(Block block, Tensor out, Layer.Pass pass) {
    block.attention().ifPresent(layer -> layer.forward(block.in(), block.middle(), pass));
    block.ffn().forward(block.middle(), out, pass);
  }

  /** After {@link #forward}: adds the loss of all targets to {@code lossSum}. */
  void loss(Tensor lossSum) {
    for (int first = 0; first < context.tokens(); first += chunk) {
      int rows = Math.min(chunk, context.tokens() - first);
      ops.crossEntropyLoss(logits(first, rows), targets.rows(first, rows), lossSum);
    }
  }

  /**
   * After {@link #forward}: logits of {@code rows} tokens from {@code first}, real {@code [rows,
   * vocabulary]}.
   */
  Tensor logits(int first, int rows) {
    Tensor part = logits.rows(0, rows);
    ops.gemm(false, true, normed.rows(first, rows), parameters.head().weight(), false, part);
    return part;
  }

  /**
   * After {@link #forward}: adds the loss, and the gradients of all parameters.
   *
   * @param targetCount F64 {@code [1]}: targets of the global batch, the divisor of the loss
   */
  void lossAndBackward(Tensor targetCount, Tensor lossSum) {
    Parameter head = parameters.head();
    for (int first = 0; first < context.tokens(); first += chunk) {
      int rows = Math.min(chunk, context.tokens() - first);
      Tensor part = logits(first, rows);
      ops.crossEntropy(part, targets.rows(first, rows), targetCount, lossSum);
      ops.gemm(false, false, part, head.weight(), false, dNormed.rows(first, rows));
      ops.gemm(true, false, part, normed.rows(first, rows), true, head.gradient());
    }
    ops.zero(dX);
    Parameter norm = parameters.finalNorm();
    ops.rmsNormBackward(last, norm.weight(), inverseRms, dNormed, dX, norm.gradient());
    for (int i = blocks.size() - 1; i >= 0; i--) {
      Block block = blocks.get(i);
      if (context.model().recompute()) {
        // "last" only stands in for an output that the second half does not write.
        forward(block, last, Layer.Pass.RECOMPUTE);
      }
      block.ffn().backward(block.middle(), dX);
      block.attention().ifPresent(layer -> layer.backward(block.in(), dX));
    }
    ops.embedBackward(inputs, dX, parameters.embedding().gradient());
  }
}
