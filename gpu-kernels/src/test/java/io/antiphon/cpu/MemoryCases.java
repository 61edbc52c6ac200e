package io.antiphon.cpu;

import static io.antiphon.cpu.OpArgument.Kind.F64;
import static io.antiphon.cpu.OpArgument.Kind.I32;
import static io.antiphon.cpu.OpArgument.Kind.I64;
import static io.antiphon.cpu.OpArgument.Kind.MASTER;
import static io.antiphon.cpu.OpArgument.Kind.REAL;

import io.antiphon.cpu.OpArgument.Kind;
import java.util.ArrayList;
import java.util.List;

/** Memory and input operations. */
final class MemoryCases {
  /** More elements than any kernel handles at a time. */
  private static final int LONG = 4099;

  private MemoryCases() {}

  static List<OpCase> all() {
    List<OpCase> cases = new ArrayList<>();
    for (Kind kind : Kind.values()) {
      for (int length : new int[] {0, 1, 17, LONG}) {
        cases.add(zero(kind, length));
      }
      for (Kind other : Kind.values()) {
        cases.add(copy(kind, other, 15));
        if (isInteger(kind) == isInteger(other)) {
          cases.add(add(kind, other, 15));
        }
      }
      cases.add(copy(kind, kind, LONG));
      cases.add(copy(kind, kind, 0));
      cases.add(add(kind, kind, LONG));
      cases.add(add(kind, kind, 0));
    }
    for (int[] size : new int[][] {{1, 1}, {33, 17}, {0, 3}, {3, LONG}, {300, 31}}) {
      cases.add(addRow(REAL, size[0], size[1]));
      cases.add(addRow(MASTER, size[0], size[1]));
    }
    cases.add(addRow(F64, 3, 17));
    for (int[] size : new int[][] {{1, 1}, {3, 17}, {0, 5}, {5, 1}}) {
      for (int vocabulary : new int[] {2, 7, 1000}) {
        cases.add(prepareBatch(size[0], size[1], vocabulary));
      }
    }
    for (double missing : new double[] {0, 0.3, 1}) {
      cases.add(countTargets(33, missing));
    }
    cases.add(countTargets(0, 0));
    for (int[] size :
        new int[][] {{1, 1, 1}, {33, 5, 17}, {0, 3, 4}, {17, 300, 31}, {3, 2, LONG}}) {
      cases.add(embed(size[0], size[1], size[2]));
      cases.add(embedBackward(size[0], size[1], size[2]));
    }
    return cases;
  }

  private static boolean isInteger(Kind kind) {
    return kind == I32 || kind == I64;
  }

  private static Fill fill(Kind kind) {
    return isInteger(kind) ? Fill.integers(-1000, 1000) : Fill.normals(100);
  }

  private static OpCase zero(Kind kind, int length) {
    return new OpCase("zero", kind, length)
        .written("tensor", kind, length)
        .call((ops, t) -> ops.zero(t.of("tensor")));
  }

  private static OpCase copy(Kind from, Kind to, int length) {
    Fill fill = isInteger(to) && !isInteger(from) ? tenths() : fill(from);
    return new OpCase("copy", from, "to", to, length)
        .read("from", from, fill, length)
        .written("to", to, length % 3 == 0 ? new long[] {3, length / 3} : new long[] {length})
        .roundings(from != to && !isInteger(to) ? 1 : 0)
        .call((ops, t) -> ops.copy(t.of("from"), t.of("to")));
  }

  /** Numbers away from integers, so that no rounding of the input changes the integer part. */
  private static Fill tenths() {
    return (random, length, drawn) -> {
      double[] values = Fill.integers(-1000, 1000).draw(random, length, drawn);
      for (int i = 0; i < length; i++) {
        values[i] += Math.signum(values[i]) * random.nextDouble(0.1, 0.9);
      }
      return values;
    };
  }

  private static OpCase add(Kind from, Kind to, int length) {
    return new OpCase("add", from, "to", to, length)
        .read("x", from, fill(from), length)
        .added("into", to, length)
        .roundings(isInteger(to) ? 0 : 2)
        .call((ops, t) -> ops.add(t.of("x"), t.of("into")));
  }

  private static OpCase addRow(Kind kind, int rows, int columns) {
    return new OpCase("addRow", kind, rows, columns)
        .read("row", kind, Fill.normals(), columns)
        .added("x", kind, rows, columns)
        .roundings(1)
        .call((ops, t) -> ops.addRow(t.of("row"), t.of("x")));
  }

  private static OpCase prepareBatch(int sequences, int length, int vocabulary) {
    int tokens = sequences * length;
    return new OpCase("prepareBatch", sequences, length, "vocabulary", vocabulary)
        .read("batch", I32, Fill.integers(0, vocabulary), sequences, length + 1)
        .written("inputs", I32, tokens)
        .written("targets", I32, tokens)
        .written("documentStarts", I32, tokens)
        .call(
            (ops, t) ->
                ops.prepareBatch(
                    t.of("batch"), 1, t.of("inputs"), t.of("targets"), t.of("documentStarts")));
  }

  private static OpCase countTargets(int length, double missing) {
    return new OpCase("countTargets", length, "missing", missing)
        .read("targets", I32, Fill.targets(7, missing), length)
        .added("count", F64, 1)
        .call((ops, t) -> ops.countTargets(t.of("targets"), t.of("count")));
  }

  private static OpCase embed(int tokens, int vocabulary, int hidden) {
    return new OpCase("embed", tokens, vocabulary, hidden)
        .read("ids", I32, Fill.integers(0, vocabulary), tokens)
        .read("table", REAL, Fill.normals(), vocabulary, hidden)
        .written("out", REAL, tokens, hidden)
        .call((ops, t) -> ops.embed(t.of("ids"), t.of("table"), t.of("out")));
  }

  private static OpCase embedBackward(int tokens, int vocabulary, int hidden) {
    return new OpCase("embedBackward", tokens, vocabulary, hidden)
        .read("ids", I32, Fill.integers(0, vocabulary), tokens)
        .read("dOut", REAL, Fill.normals(), tokens, hidden)
        .added("dTable", MASTER, vocabulary, hidden)
        .forwardOnly("table", REAL, Fill.normals(), vocabulary, hidden)
        .forwardOnly("out", REAL, Fill.normals(), tokens, hidden)
        .backwardOf((ops, t) -> ops.embed(t.of("ids"), t.of("table"), t.of("out")), "out", "dOut")
        .gradient("table", "dTable")
        .roundings(tokens + 1)
        .call((ops, t) -> ops.embedBackward(t.of("ids"), t.of("dOut"), t.of("dTable")));
  }
}
