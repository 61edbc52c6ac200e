package io.antiphon.cpu;

import static io.antiphon.cpu.OpArgument.Kind.I32;
import static io.antiphon.cpu.OpArgument.Kind.MASTER;
import static io.antiphon.cpu.OpArgument.Kind.REAL;

import io.antiphon.tensor.AttentionGradients;
import io.antiphon.tensor.AttentionTensors;
import io.antiphon.tensor.Ops;
import java.util.ArrayList;
import java.util.List;

/** Rotary positions and attention, with one document, several, or one for each token. */
final class AttentionCases {
  /**
   * @param ends probability that a document ends at a token
   */
  private record Size(
      int sequences, int length, int heads, int keyValueHeads, int headDim, double ends) {
    int tokens() {
      return sequences * length;
    }
  }

  /** Sequences shorter and longer than a block of queries, and not a multiple of one. */
  private static final List<Size> SIZES =
      List.of(
          new Size(1, 1, 1, 1, 2, 0),
          new Size(0, 3, 2, 1, 4, 0),
          new Size(3, 17, 4, 2, 6, 0.2),
          new Size(2, 33, 6, 2, 8, 0.5),
          new Size(1, 33, 3, 3, 10, 1),
          new Size(1, 131, 4, 1, 4, 0),
          new Size(2, 67, 2, 2, 4, 0.05),
          new Size(17, 3, 5, 1, 2, 0.3));

  private AttentionCases() {}

  static List<OpCase> all() {
    return of(SIZES);
  }

  /** Sizes at which vectors and tensor cores come into play. */
  static List<OpCase> large() {
    return of(
        List.of(
            new Size(2, 131, 4, 2, 64, 0.02),
            new Size(1, 200, 4, 1, 128, 0),
            new Size(1, 257, 2, 2, 64, 0),
            new Size(3, 64, 3, 3, 32, 0.1),
            new Size(1, 100, 2, 1, 96, 0.01),
            new Size(1, 90, 2, 1, 256, 0)));
  }

  private static List<OpCase> of(List<Size> sizes) {
    List<OpCase> cases = new ArrayList<>();
    for (Size size : sizes) {
      cases.add(rope(size, false));
      cases.add(rope(size, true));
      cases.add(attention(size));
      cases.add(attentionBackward(size));
    }
    return cases;
  }

  private static OpCase rope(Size size, boolean inverse) {
    int tokens = size.tokens();
    return new OpCase("rope", size, inverse ? "inverse" : "")
        .updated("x", REAL, Fill.normals(), tokens, size.heads, size.headDim)
        .read("documentStarts", I32, Fill.documentStarts(size.length, size.ends), tokens)
        .roundings(5)
        .call((ops, t) -> ops.rope(t.of("x"), t.of("documentStarts"), size.length, 10000, inverse));
  }

  private static OpCase inputs(String operation, Size size) {
    int tokens = size.tokens();
    return new OpCase(operation, size)
        .read("q", REAL, Fill.normals(), tokens, size.heads, size.headDim)
        .read("k", REAL, Fill.normals(), tokens, size.keyValueHeads, size.headDim)
        .read("v", REAL, Fill.normals(), tokens, size.keyValueHeads, size.headDim)
        .read("documentStarts", I32, Fill.documentStarts(size.length, size.ends), tokens);
  }

  private static AttentionTensors tensors(OpCase.Tensors t, Size size) {
    return new AttentionTensors(
        t.of("q"),
        t.of("k"),
        t.of("v"),
        t.of("documentStarts"),
        size.length,
        t.of("out"),
        t.of("logSumExp"));
  }

  private static void enqueue(Ops ops, OpCase.Tensors t, Size size) {
    ops.attention(tensors(t, size));
  }

  private static OpCase attention(Size size) {
    return inputs("attention", size)
        .written("out", REAL, size.tokens(), size.heads, size.headDim)
        .written("logSumExp", MASTER, size.tokens(), size.heads)
        .roundings(size.headDim + size.length + 5)
        .call((ops, t) -> enqueue(ops, t, size));
  }

  private static OpCase attentionBackward(Size size) {
    int tokens = size.tokens();
    int group = size.heads / size.keyValueHeads;
    return inputs("attentionBackward", size)
        .read("out", REAL, Fill.normals(), tokens, size.heads, size.headDim)
        .read("logSumExp", MASTER, Fill.normals(), tokens, size.heads)
        .read("dOut", REAL, Fill.normals(), tokens, size.heads, size.headDim)
        .written("dQ", REAL, tokens, size.heads, size.headDim)
        .written("dK", REAL, tokens, size.keyValueHeads, size.headDim)
        .written("dV", REAL, tokens, size.keyValueHeads, size.headDim)
        .prepare((ops, t) -> enqueue(ops, t, size))
        .backwardOf((ops, t) -> enqueue(ops, t, size), "out", "dOut")
        .gradient("q", "dQ")
        .gradient("k", "dK")
        .gradient("v", "dV")
        .roundings(2 * size.headDim + group * size.length + 9)
        .call(
            (ops, t) ->
                ops.attentionBackward(
                    tensors(t, size),
                    new AttentionGradients(t.of("dOut"), t.of("dQ"), t.of("dK"), t.of("dV"))));
  }
}
