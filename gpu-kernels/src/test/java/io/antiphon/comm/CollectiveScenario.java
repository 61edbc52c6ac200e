package io.antiphon.comm;

import io.antiphon.tensor.Backend;
import io.antiphon.tensor.Collectives;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.HostValues;
import io.antiphon.tensor.RowTensors;
import io.antiphon.tensor.Shape;
import io.antiphon.tensor.Storage;
import io.antiphon.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Every collective once, on one rank of any backend, with odd and even sizes; the same calls and
 * numbers wherever it runs, so that results can be compared bit by bit.
 */
final class CollectiveScenario {
  private static final double UNTOUCHED = -77;
  private static final int TOP_K = 3;
  private static final int SLOTS_PER_RANK = 3;
  private static final int LOCAL_EXPERTS = 2;
  private static final int[] WIDTHS = {5, 64, 344};
  private static final int[] EXPERT_WIDTHS = {7, 4096};

  private final Backend backend;
  private final HostValues values;
  private final int rank;
  private final int ranks;
  private final boolean brief;
  private final boolean evenly;
  private final List<Storage> storages = new ArrayList<>();
  private final Map<String, Tensor> inputs = new LinkedHashMap<>();
  private final Map<String, Tensor> results = new LinkedHashMap<>();
  private final RowTensors rows;
  private final Tensor slotHome;

  /**
   * @param brief whether real numbers are few enough bits for BF16 to hold them
   */
  CollectiveScenario(Backend backend, int rank, int ranks, boolean brief) {
    this(backend, rank, ranks, brief, false);
  }

  /**
   * @param evenly whether all ranks have equally many tokens
   */
  CollectiveScenario(Backend backend, int rank, int ranks, boolean brief, boolean evenly) {
    this.backend = backend;
    this.values = new HostValues(backend.hostIo());
    this.rank = rank;
    this.ranks = ranks;
    this.brief = brief;
    this.evenly = evenly;
    DType real = backend.computeType();
    both("gathered counts", DType.I32, 6, 6 * ranks);
    both("gathered rows", real, 10_007, 10_007 * ranks);
    both("gathered numbers", DType.F64, 4096, 4096 * ranks);
    for (int length : new int[] {1, 17, 2049, 10_007, 40_000}) {
      inPlace("sum F32 " + length, DType.F32, length);
      inPlace("sum F64 " + length, DType.F64, length);
      inPlace("sum I32 " + length, DType.I32, length);
      inPlace("maximum I32 " + length, DType.I32, length);
      inPlace("maximum I64 " + length, DType.I64, length);
    }
    rows =
        new RowTensors(
            of(DType.I32, tokens(), TOP_K),
            of(DType.I32, tokens(), TOP_K),
            of(DType.I32, LOCAL_EXPERTS + SLOTS_PER_RANK));
    for (int width : WIDTHS) {
      inputs.put("x " + width, of(real, tokens(), width));
      results.put("dispatched " + width, of(real, capacity(), width));
      inputs.put("expert rows " + width, of(real, capacity(), width));
      results.put("combined " + width, of(real, tokens(), width));
    }
    inputs.put("probs", of(DType.F32, tokens(), TOP_K));
    results.put("dispatched probs", of(DType.F32, capacity()));
    inputs.put("row probs", of(DType.F32, capacity()));
    results.put("combined probs", of(DType.F32, tokens(), TOP_K));
    int slots = SLOTS_PER_RANK * ranks;
    slotHome = of(DType.I32, slots);
    for (int width : EXPERT_WIDTHS) {
      inputs.put("weights " + width, of(real, LOCAL_EXPERTS, width));
      results.put("slot weights " + width, of(real, SLOTS_PER_RANK, width));
      inputs.put("slot gradients " + width, of(DType.F32, SLOTS_PER_RANK, width));
      results.put("gradients " + width, of(DType.F32, LOCAL_EXPERTS, width));
    }
  }

  private void both(String name, DType dtype, int in, int out) {
    inputs.put(name, of(dtype, in));
    results.put(name, of(dtype, out));
  }

  private void inPlace(String name, DType dtype, int length) {
    results.put(name, of(dtype, length));
  }

  /** Views that start at an odd element, where no wide access is possible, and others. */
  private Tensor of(DType dtype, long... extents) {
    Shape shape = Shape.of(extents);
    int before = storages.size() % 3 == 0 ? 3 : 0;
    Storage storage = backend.allocate("scenario", dtype, before + shape.elements());
    storages.add(storage);
    return Tensor.of(storage, Shape.of(before + shape.elements()))
        .range(before, shape.elements())
        .reshape(shape);
  }

  private int tokens() {
    return tokens(rank);
  }

  private int tokens(int source) {
    if (evenly) {
      return 41;
    }
    return source == 1 ? 0 : 37 + 5 * source; // one rank has nothing to send
  }

  private int capacity() {
    int all = 0;
    for (int source = 0; source < ranks; source++) {
      all += tokens(source) * TOP_K;
    }
    return all + 1;
  }

  /** Writes all inputs, and what results hold before. */
  void fill(long seed) {
    SplittableRandom own = new SplittableRandom(seed * 1000 + rank);
    inputs.values().forEach(tensor -> values.write(tensor, numbers(own, tensor)));
    for (Map.Entry<String, Tensor> each : results.entrySet()) {
      boolean added = each.getKey().matches("(sum|maximum|gradients) .*");
      double[] before = new double[(int) each.getValue().elements()];
      Arrays.fill(before, UNTOUCHED);
      values.write(each.getValue(), added ? numbers(own, each.getValue()) : before);
    }
    fillRows(new SplittableRandom(seed));
    SplittableRandom agreed = new SplittableRandom(seed + 77);
    double[] expertOfSlot = new double[SLOTS_PER_RANK * ranks];
    for (int slot = 0; slot < expertOfSlot.length; slot++) {
      expertOfSlot[slot] = agreed.nextInt(4) == 0 ? -1 : agreed.nextInt(LOCAL_EXPERTS * ranks);
    }
    values.write(slotHome, expertOfSlot);
  }

  private double[] numbers(SplittableRandom random, Tensor tensor) {
    double[] numbers = new double[(int) tensor.elements()];
    for (int i = 0; i < numbers.length; i++) {
      if (!tensor.dtype().isFloating()) {
        numbers[i] = random.nextInt(-1000, 1000);
      } else if (brief) {
        numbers[i] = random.nextInt(-128, 129) / 128.0;
      } else {
        numbers[i] = (float) random.nextDouble(-1, 1);
      }
    }
    return numbers;
  }

  /** Random destinations; some ranks get few rows, and some assignments go nowhere. */
  private void fillRows(SplittableRandom random) {
    int[] arriving = new int[ranks];
    int empty = random.nextInt(ranks + 1);
    for (int source = 0; source < ranks; source++) {
      double[] destinationRank = new double[tokens(source) * TOP_K];
      double[] destinationRow = new double[destinationRank.length];
      for (int i = 0; i < destinationRank.length; i++) {
        int to = random.nextInt(ranks);
        if (to == empty || random.nextInt(5) == 0) {
          to = -1;
        }
        destinationRank[i] = to;
        destinationRow[i] = to < 0 ? 1_000_000 : arriving[to]++;
      }
      if (source == rank) {
        values.write(rows.destinationRank(), destinationRank);
        values.write(rows.destinationRow(), destinationRow);
      }
    }
  }

  /** Every collective. */
  void enqueue(Collectives group) {
    for (Map.Entry<String, Tensor> each : results.entrySet()) {
      if (each.getKey().startsWith("gathered")) {
        group.allGather(input(each.getKey()), each.getValue());
      } else if (each.getKey().startsWith("sum")) {
        group.allReduceSum(each.getValue());
      } else if (each.getKey().startsWith("maximum")) {
        group.allReduceMax(each.getValue());
      }
    }
    for (int width : WIDTHS) {
      group.dispatch(input("x " + width), rows, result("dispatched " + width));
      group.combine(input("expert rows " + width), rows, result("combined " + width));
    }
    group.dispatchScalars(input("probs"), rows, result("dispatched probs"));
    group.combineScalars(input("row probs"), rows, result("combined probs"));
    for (int width : EXPERT_WIDTHS) {
      group.dispatchWeights(input("weights " + width), slotHome, result("slot weights " + width));
      group.reduceSlotGradients(
          input("slot gradients " + width), slotHome, result("gradients " + width));
    }
  }

  private Tensor input(String name) {
    return java.util.Objects.requireNonNull(inputs.get(name));
  }

  private Tensor result(String name) {
    return java.util.Objects.requireNonNull(results.get(name));
  }

  /**
   * All results by name. Sums of brief numbers are rounded to BF16, where they are rounded once.
   */
  Map<String, double[]> read() {
    Map<String, double[]> read = new LinkedHashMap<>();
    results.forEach(
        (name, tensor) -> {
          double[] numbers = values.doubles(tensor);
          if (brief && name.matches("(combined|dispatched) \\d+")) {
            for (int i = 0; i < numbers.length; i++) {
              numbers[i] = roundToBf16((float) numbers[i]);
            }
          }
          read.put(name, numbers);
        });
    return read;
  }

  private static double roundToBf16(float value) {
    int bits = Float.floatToRawIntBits(value);
    return Float.intBitsToFloat((bits + 0x7fff + ((bits >>> 16) & 1)) & 0xffff0000);
  }

  /** Frees everything, in the same order on all ranks. */
  void free() {
    storages.forEach(backend::free);
    storages.clear();
  }
}
