package io.antiphon.cpu;

import static io.antiphon.cpu.OpArgument.Kind.I32;
import static io.antiphon.cpu.OpArgument.Kind.MASTER;
import static io.antiphon.cpu.OpArgument.Kind.REAL;

import io.antiphon.tensor.ExpertRange;
import io.antiphon.tensor.ExpertWeights;
import java.util.ArrayList;
import java.util.List;

/** Operations on the rows of a rank's physical experts; rows beyond their sum are poisoned. */
final class ExpertCases {
  private record Size(int localExperts, int slots, int capacity, int in, int out, String rows) {
    int physicalExperts() {
      return localExperts + slots;
    }

    Fill rowCounts() {
      return (random, length, drawn) -> {
        double[] counts = new double[length];
        switch (rows) {
          case "none" -> {}
          case "one" -> counts[random.nextInt(length)] = Math.min(1, capacity);
          case "all on one" -> counts[random.nextInt(length)] = capacity;
          case "all on the last" -> counts[length - 1] = capacity;
          // About half of the experts get nothing, and some rows stay free.
          case "random" -> {
            int left = capacity;
            for (int i = 0; i < length && left > 0; i++) {
              int taken = random.nextInt(left + 1);
              counts[random.nextInt(length)] += random.nextBoolean() ? taken : 0;
              left -= taken;
            }
          }
          case "full" -> {
            for (int row = 0; row < capacity; row++) {
              counts[random.nextInt(length)]++;
            }
          }
          default -> throw new IllegalArgumentException(rows);
        }
        return counts;
      };
    }
  }

  private ExpertCases() {}

  static List<OpCase> all() {
    return of(sizes());
  }

  /** Sizes at which vectors, tensor cores and copy engines come into play. */
  static List<OpCase> large() {
    List<Size> sizes = new ArrayList<>();
    for (String rows : new String[] {"none", "one", "all on one", "all on the last", "random"}) {
      sizes.add(new Size(3, 2, 300, 64, 128, rows));
    }
    sizes.add(new Size(4, 0, 517, 192, 264, "full"));
    sizes.add(new Size(2, 1, 131, 328, 72, "random"));
    sizes.add(new Size(2, 1, 140, 36, 44, "random")); // rows of 72 and 88 bytes in bf16
    return of(sizes);
  }

  private static List<OpCase> of(List<Size> sizes) {
    List<OpCase> cases = new ArrayList<>();
    for (Size size : sizes) {
      cases.add(groupedGemm(size));
      cases.add(groupedGemmDgrad(size));
      cases.add(groupedGemmWgrad(size));
      cases.add(writtenGroupedGemmWgrad(size));
      for (ExpertRange range : new ExpertRange[] {ExpertRange.HOME, ExpertRange.SLOTS}) {
        cases.add(partOfGroupedGemm(size, range));
        cases.add(partOfGroupedGemmDgrad(size, range));
      }
      cases.add(expertSwiglu(size));
      cases.add(expertSwigluBackward(size));
    }
    return cases;
  }

  private static List<Size> sizes() {
    List<Size> sizes = new ArrayList<>();
    for (String rows :
        new String[] {"none", "one", "all on one", "all on the last", "random", "full"}) {
      sizes.add(new Size(3, 2, 37, 17, 5, rows));
      sizes.add(new Size(1, 0, 1, 1, 1, rows));
      sizes.add(new Size(2, 3, 131, 7, 33, rows));
    }
    sizes.add(new Size(2, 1, 0, 3, 5, "random"));
    sizes.add(new Size(5, 0, 61, 3, 1, "random"));
    sizes.add(new Size(2, 1, 45, 31, 307, "random")); // more than one block of activations
    return sizes;
  }

  private static OpCase of(String operation, Size size) {
    return new OpCase(operation, size)
        .read("rowCounts", I32, size.rowCounts(), size.physicalExperts());
  }

  private static ExpertWeights weights(OpCase.Tensors t) {
    return new ExpertWeights(t.of("home"), t.of("slots"));
  }

  private static OpCase groupedGemm(Size size) {
    return of("groupedGemm", size)
        .readRows("x", REAL, size.capacity, size.in)
        .read("home", REAL, Fill.normals(), size.localExperts, size.out, size.in)
        .read("slots", REAL, Fill.normals(), size.slots, size.out, size.in)
        .writtenRows("y", REAL, size.capacity, size.out)
        .roundings(size.in)
        .call((ops, t) -> ops.groupedGemm(t.of("x"), weights(t), t.of("rowCounts"), t.of("y")));
  }

  /** What is not in the range stays as it is. */
  private static OpCase partOfGroupedGemm(Size size, ExpertRange range) {
    return new OpCase("groupedGemm", size, range.name())
        .read("rowCounts", I32, size.rowCounts(), size.physicalExperts())
        .readRows("x", REAL, size.capacity, size.in)
        .read("home", REAL, Fill.normals(), size.localExperts, size.out, size.in)
        .read("slots", REAL, Fill.normals(), size.slots, size.out, size.in)
        .updated("y", REAL, Fill.normals(), size.capacity, size.out)
        .roundings(size.in)
        .call(
            (ops, t) ->
                ops.groupedGemm(t.of("x"), weights(t), t.of("rowCounts"), range, t.of("y")));
  }

  private static OpCase partOfGroupedGemmDgrad(Size size, ExpertRange range) {
    return new OpCase("groupedGemmDgrad", size, range.name())
        .read("rowCounts", I32, size.rowCounts(), size.physicalExperts())
        .readRows("dY", REAL, size.capacity, size.out)
        .read("home", REAL, Fill.normals(), size.localExperts, size.out, size.in)
        .read("slots", REAL, Fill.normals(), size.slots, size.out, size.in)
        .updated("dX", REAL, Fill.normals(), size.capacity, size.in)
        .roundings(size.out)
        .call(
            (ops, t) ->
                ops.groupedGemmDgrad(t.of("dY"), weights(t), t.of("rowCounts"), range, t.of("dX")));
  }

  private static OpCase groupedGemmDgrad(Size size) {
    return of("groupedGemmDgrad", size)
        .readRows("dY", REAL, size.capacity, size.out)
        .read("home", REAL, Fill.normals(), size.localExperts, size.out, size.in)
        .read("slots", REAL, Fill.normals(), size.slots, size.out, size.in)
        .writtenRows("dX", REAL, size.capacity, size.in)
        .forwardOnly("x", REAL, Fill.normals(), size.capacity, size.in)
        .forwardOnly("y", REAL, Fill.constant(0), size.capacity, size.out)
        .backwardOf(
            (ops, t) -> ops.groupedGemm(t.of("x"), weights(t), t.of("rowCounts"), t.of("y")),
            "y",
            "dY")
        .gradient("x", "dX")
        .roundings(size.out)
        .call(
            (ops, t) ->
                ops.groupedGemmDgrad(t.of("dY"), weights(t), t.of("rowCounts"), t.of("dX")));
  }

  private static OpCase groupedGemmWgrad(Size size) {
    return of("groupedGemmWgrad", size)
        .readRows("x", REAL, size.capacity, size.in)
        .readRows("dY", REAL, size.capacity, size.out)
        .added("home", MASTER, size.localExperts, size.out, size.in)
        .written("slots", MASTER, size.slots, size.out, size.in)
        .forwardOnly("w", REAL, Fill.normals(), size.localExperts, size.out, size.in)
        .forwardOnly("s", REAL, Fill.normals(), size.slots, size.out, size.in)
        .forwardOnly("y", REAL, Fill.constant(0), size.capacity, size.out)
        .backwardOf(
            (ops, t) ->
                ops.groupedGemm(
                    t.of("x"),
                    new ExpertWeights(t.of("w"), t.of("s")),
                    t.of("rowCounts"),
                    t.of("y")),
            "y",
            "dY")
        .gradient("w", "home")
        .gradient("s", "slots")
        .roundings(size.capacity + 1)
        .call(
            (ops, t) ->
                ops.groupedGemmWgrad(t.of("x"), t.of("dY"), t.of("rowCounts"), true, weights(t)));
  }

  /** Cases of a step's first micro-batch: gradients of home experts are written. */
  private static OpCase writtenGroupedGemmWgrad(Size size) {
    return new OpCase("groupedGemmWgrad", size, "written")
        .read("rowCounts", I32, size.rowCounts(), size.physicalExperts())
        .readRows("x", REAL, size.capacity, size.in)
        .readRows("dY", REAL, size.capacity, size.out)
        .written("home", MASTER, size.localExperts, size.out, size.in)
        .written("slots", MASTER, size.slots, size.out, size.in)
        .roundings(size.capacity + 1)
        .call(
            (ops, t) ->
                ops.groupedGemmWgrad(t.of("x"), t.of("dY"), t.of("rowCounts"), false, weights(t)));
  }

  private static OpCase expertSwiglu(Size size) {
    return of("expertSwiglu", size)
        .readRows("gateUp", REAL, size.capacity, 2L * size.out)
        .readRows("rowProbs", MASTER, size.capacity)
        .writtenRows("out", REAL, size.capacity, size.out)
        .roundings(6)
        .call(
            (ops, t) ->
                ops.expertSwiglu(t.of("gateUp"), t.of("rowProbs"), t.of("rowCounts"), t.of("out")));
  }

  private static OpCase expertSwigluBackward(Size size) {
    return of("expertSwigluBackward", size)
        .readRows("gateUp", REAL, size.capacity, 2L * size.out)
        .readRows("rowProbs", MASTER, size.capacity)
        .readRows("dOut", REAL, size.capacity, size.out)
        .writtenRows("dGateUp", REAL, size.capacity, 2L * size.out)
        .writtenRows("dRowProbs", MASTER, size.capacity)
        .forwardOnly("out", REAL, Fill.constant(0), size.capacity, size.out)
        .backwardOf(
            (ops, t) ->
                ops.expertSwiglu(t.of("gateUp"), t.of("rowProbs"), t.of("rowCounts"), t.of("out")),
            "out",
            "dOut")
        .gradient("gateUp", "dGateUp")
        .gradient("rowProbs", "dRowProbs")
        .roundings(size.out + 10)
        .call(
            (ops, t) ->
                ops.expertSwigluBackward(
                    t.of("gateUp"),
                    t.of("rowProbs"),
                    t.of("rowCounts"),
                    t.of("dOut"),
                    t.of("dGateUp"),
                    t.of("dRowProbs")));
  }
}
