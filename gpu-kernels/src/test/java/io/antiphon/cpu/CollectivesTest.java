package io.antiphon.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.antiphon.tensor.Collectives;
import io.antiphon.tensor.CommException;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.RowTensors;
import io.antiphon.tensor.Tensor;
import io.antiphon.transport.Ranks;
import io.antiphon.transport.ThreadTransport;
import io.antiphon.transport.Transport;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Collectives over threads. Dispatch and combine are linear and each other's transpose, and so are
 * weight dispatch and gradient reduction: {@code <dispatch(x), y> = <x, combine(y)>} says that one
 * is the backward of the other.
 */
class CollectivesTest {
  private static final double UNTOUCHED = -77;
  private static final int WIDTH = 5;

  static Stream<Arguments> groups() {
    Supplier<CpuBackend> f64 = CpuBackend::f64;
    Supplier<CpuBackend> f32 = () -> CpuBackend.f32(1);
    return Stream.of(1, 2, 3, 4)
        .flatMap(ranks -> Stream.of(Arguments.of(ranks, f64), Arguments.of(ranks, f32)));
  }

  /** Numbers that fp32 holds exactly. */
  private static double[] random(long seed, int rank, int length) {
    SplittableRandom random = new SplittableRandom(seed * 31 + rank);
    double[] values = new double[length];
    for (int i = 0; i < length; i++) {
      values[i] = (float) random.nextDouble(-1, 1);
    }
    return values;
  }

  @ParameterizedTest
  @MethodSource("groups")
  void allGatherPutsTheRanksInOrder(int ranks, Supplier<CpuBackend> backends) {
    List<double[]> gathered =
        onRanks(
            ranks,
            backends,
            (t, group) -> {
              Tensor out = t.of(DType.I32, ranks, 2);
              group.allGather(t.ints(group.rank(), 10 * group.rank()), out);
              assertThat(group.ranks()).isEqualTo(ranks);
              return t.read(out);
            });
    double[] expected = new double[2 * ranks];
    for (int rank = 0; rank < ranks; rank++) {
      expected[2 * rank] = rank;
      expected[2 * rank + 1] = 10 * rank;
    }
    assertThat(gathered).allSatisfy(all -> assertThat(all).containsExactly(expected));
  }

  /** Both ways of reducing, by one rank per part and by everybody, add in rank order. */
  @ParameterizedTest
  @MethodSource("groups")
  void aSumHasTheBitsOfAddingInRankOrder(int ranks, Supplier<CpuBackend> backends) {
    for (int length : new int[] {0, 1, 17, 4095, 4096, 10007}) {
      List<double[]> sums =
          onRanks(
              ranks,
              backends,
              (t, group) -> {
                Tensor tensor = t.reals(random(length, group.rank(), length));
                group.allReduceSum(tensor);
                return t.read(tensor);
              });
      boolean single = onRanks(1, backends, (t, group) -> t.real(1).dtype() == DType.F32).get(0);
      double[] expected = random(length, 0, length);
      for (int rank = 1; rank < ranks; rank++) {
        double[] addend = random(length, rank, length);
        for (int i = 0; i < length; i++) {
          double sum = expected[i] + addend[i];
          expected[i] = single ? (float) sum : sum;
        }
      }
      assertThat(sums).allSatisfy(sum -> assertThat(sum).isEqualTo(expected));
    }
  }

  @ParameterizedTest
  @MethodSource("groups")
  void aMaximumIsElementWise(int ranks, Supplier<CpuBackend> backends) {
    for (DType dtype : new DType[] {DType.I32, DType.I64}) {
      for (int length : new int[] {3, 5000}) {
        List<double[]> most =
            onRanks(
                ranks,
                backends,
                (t, group) -> {
                  double[] own = new double[length];
                  Arrays.fill(own, -9);
                  own[group.rank() % length] = 100 + group.rank();
                  Tensor tensor = t.of(dtype, length);
                  t.write(tensor, own);
                  group.allReduceMax(tensor);
                  return t.read(tensor);
                });
        double[] expected = new double[length];
        Arrays.fill(expected, -9);
        for (int rank = 0; rank < ranks; rank++) {
          expected[rank % length] = Math.max(expected[rank % length], 100 + rank);
        }
        assertThat(most).allSatisfy(each -> assertThat(each).isEqualTo(expected));
      }
    }
  }

  /** Random destinations, the same on every rank: which row of which rank, or none. */
  private static final class Routes {
    private final int ranks;
    private final int topK;
    private final int[] tokens;
    private final int[][] destinationRank;
    private final int[][] destinationRow;
    private final int[] arriving;

    Routes(long seed, int ranks, int topK) {
      SplittableRandom random = new SplittableRandom(seed);
      this.ranks = ranks;
      this.topK = topK;
      tokens = new int[ranks];
      destinationRank = new int[ranks][];
      destinationRow = new int[ranks][];
      arriving = new int[ranks];
      for (int rank = 0; rank < ranks; rank++) {
        tokens[rank] = rank == 1 ? 0 : 7 + rank; // one rank has nothing to send
        int assignments = tokens[rank] * topK;
        destinationRank[rank] = new int[assignments];
        destinationRow[rank] = new int[assignments];
        for (int i = 0; i < assignments; i++) {
          int to = random.nextInt(5) == 0 ? -1 : random.nextInt(ranks);
          destinationRank[rank][i] = to;
          destinationRow[rank][i] = to < 0 ? 1_000_000 : arriving[to]++;
        }
      }
    }

    int capacity() {
      return Arrays.stream(arriving).max().orElse(0) + 3;
    }

    RowTensors tensors(TestTensors t, int rank) {
      return new RowTensors(
          t.ints(destinationRank[rank]).reshape(tokens[rank], topK),
          t.ints(destinationRow[rank]).reshape(tokens[rank], topK),
          t.ints(arriving[rank]));
    }
  }

  @SuppressWarnings("ArrayRecordComponent") // carried together, never compared
  private record Exchange(double[] received, double[] fetched) {}

  @ParameterizedTest
  @MethodSource("groups")
  void rowsGoToTheirPlacesAndNowhereElse(int ranks, Supplier<CpuBackend> backends) {
    for (long seed = 1; seed <= 5; seed++) {
      Routes routes = new Routes(seed, ranks, 2);
      List<Exchange> rows = exchange(routes, seed, WIDTH, backends, false);
      List<Exchange> scalars = exchange(routes, seed, 1, backends, true);
      for (int rank = 0; rank < ranks; rank++) {
        double[] expected = new double[routes.capacity() * WIDTH];
        double[] expectedScalars = new double[routes.capacity()];
        Arrays.fill(expected, UNTOUCHED);
        Arrays.fill(expectedScalars, UNTOUCHED);
        for (int source = 0; source < ranks; source++) {
          double[] x = random(seed, source, routes.tokens[source] * WIDTH);
          double[] each = random(seed, source, routes.tokens[source] * routes.topK);
          for (int i = 0; i < routes.tokens[source] * routes.topK; i++) {
            if (routes.destinationRank[source][i] == rank) {
              int row = routes.destinationRow[source][i];
              System.arraycopy(x, i / routes.topK * WIDTH, expected, row * WIDTH, WIDTH);
              expectedScalars[row] = each[i];
            }
          }
        }
        assertThat(rows.get(rank).received).as("seed %d", seed).isEqualTo(expected);
        assertThat(scalars.get(rank).received).as("seed %d", seed).isEqualTo(expectedScalars);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("groups")
  void combineIsTheTransposeOfDispatch(int ranks, Supplier<CpuBackend> backends) {
    double epsilon = Math.ulp(1.0f);
    for (long seed = 11; seed <= 15; seed++) {
      Routes routes = new Routes(seed, ranks, 3);
      for (boolean scalars : new boolean[] {false, true}) {
        int width = scalars ? 1 : WIDTH;
        double there = 0;
        double back = 0;
        double sums = 0;
        List<Exchange> exchanges = exchange(routes, seed, width, backends, scalars);
        for (int rank = 0; rank < ranks; rank++) {
          Exchange exchange = exchanges.get(rank);
          double[] x = random(seed, rank, exchange.fetched.length);
          double[] y = random(seed + 1000, rank, exchange.received.length);
          for (int i = 0; i < y.length; i++) {
            there += exchange.received[i] == UNTOUCHED ? 0 : exchange.received[i] * y[i];
          }
          for (int i = 0; i < x.length; i++) {
            back += x[i] * exchange.fetched[i];
            sums += routes.topK - 1;
          }
        }
        // Combine rounds topK - 1 sums of numbers below 1 per element of y.
        assertThat(back).as("seed %d", seed).isCloseTo(there, within(sums * epsilon));
      }
    }
  }

  /** Dispatches x into untouched rows, and combines other rows back. */
  private static List<Exchange> exchange(
      Routes routes, long seed, int width, Supplier<CpuBackend> backends, boolean scalars) {
    return onRanks(
        routes.ranks,
        backends,
        (t, group) -> {
          int rank = group.rank();
          int tokens = routes.tokens[rank];
          int capacity = routes.capacity();
          RowTensors rows = routes.tensors(t, rank);
          int across = scalars ? routes.topK : width;
          Tensor x = t.reals(random(seed, rank, tokens * across)).reshape(tokens, across);
          double[] untouched = new double[capacity * width];
          Arrays.fill(untouched, UNTOUCHED);
          Tensor out = t.reals(untouched);
          Tensor y = t.reals(random(seed + 1000, rank, capacity * width));
          double[] poison = new double[tokens * across];
          Arrays.fill(poison, Double.NaN);
          Tensor fetched = t.reals(poison).reshape(tokens, across);
          if (scalars) {
            group.dispatchScalars(x, rows, out);
            group.combineScalars(y, rows, fetched);
          } else {
            group.dispatch(x, rows, out.reshape(capacity, width));
            group.combine(y.reshape(capacity, width), rows, fetched);
          }
          return new Exchange(t.read(out), t.read(fetched));
        });
  }

  /**
   * The trap of docs/echo.md 3.2: with several slots per rank, messages of a pair of ranks must
   * match slot by slot. And of 3.3: an unused slot before a used one must not shift it.
   */
  @ParameterizedTest
  @MethodSource("groups")
  void everySlotHoldsTheWeightsOfItsHomeWhateverTheOrder(int ranks, Supplier<CpuBackend> backends) {
    int slotsPerRank = 3;
    int localExperts = 2;
    for (long seed = 1; seed <= 20; seed++) {
      int[] slotHome = slotHomes(seed, ranks * slotsPerRank, ranks * localExperts);
      List<double[]> slots =
          onRanks(
              ranks,
              backends,
              (t, group) -> {
                Tensor home = t.real(localExperts, 2, 2);
                double[] weights = new double[localExperts * 4];
                for (int i = 0; i < weights.length; i++) {
                  weights[i] = 100 * (group.rank() * localExperts + i / 4) + i % 4;
                }
                t.write(home, weights);
                double[] before = new double[slotsPerRank * 4];
                Arrays.fill(before, UNTOUCHED);
                Tensor held = t.reals(before).reshape(slotsPerRank, 2, 2);
                group.dispatchWeights(home, t.ints(slotHome), held);
                return t.read(held);
              });
      for (int slot = 0; slot < slotHome.length; slot++) {
        double[] held = slots.get(slot / slotsPerRank);
        for (int i = 0; i < 4; i++) {
          double expected = slotHome[slot] < 0 ? UNTOUCHED : 100 * slotHome[slot] + i;
          assertThat(held[slot % slotsPerRank * 4 + i])
              .as("seed %d, slot %d of %s", seed, slot, Arrays.toString(slotHome))
              .isEqualTo(expected);
        }
      }
    }
  }

  /** Slots that hold their weights already are not among those to send, and stay as they are. */
  @ParameterizedTest
  @MethodSource("groups")
  void onlySlotsToSendAreWritten(int ranks, Supplier<CpuBackend> backends) {
    int slotsPerRank = 3;
    int localExperts = 2;
    for (long seed = 1; seed <= 20; seed++) {
      int[] slotHome = slotHomes(seed, ranks * slotsPerRank, ranks * localExperts);
      int[] toSend = slotHome.clone();
      SplittableRandom random = new SplittableRandom(seed + 100);
      for (int slot = 0; slot < toSend.length; slot++) {
        toSend[slot] = random.nextBoolean() ? toSend[slot] : -1;
      }
      List<double[]> slots =
          onRanks(
              ranks,
              backends,
              (t, group) -> {
                Tensor home = t.real(localExperts, 1);
                t.write(
                    home,
                    new double[] {group.rank() * localExperts, group.rank() * localExperts + 1});
                double[] poison = new double[slotsPerRank];
                Arrays.fill(poison, UNTOUCHED);
                Tensor held = t.reals(poison).reshape(slotsPerRank, 1);
                group.dispatchWeights(home, t.ints(toSend), held);
                return t.read(held);
              });
      for (int slot = 0; slot < toSend.length; slot++) {
        assertThat(slots.get(slot / slotsPerRank)[slot % slotsPerRank])
            .as("seed %d, slot %d of %s", seed, slot, Arrays.toString(toSend))
            .isEqualTo(toSend[slot] < 0 ? UNTOUCHED : toSend[slot]);
      }
    }
  }

  /** The contract of docs/echo.md 3.3: home gradient plus every clone's, once, slots ascending. */
  @ParameterizedTest
  @MethodSource("groups")
  void cloneGradientsAreAddedToTheirHomesOnceInSlotOrder(int ranks, Supplier<CpuBackend> backends) {
    int slotsPerRank = 3;
    int localExperts = 2;
    for (long seed = 1; seed <= 20; seed++) {
      int[] slotHome = slotHomes(seed, ranks * slotsPerRank, ranks * localExperts);
      long reproduced = seed;
      List<double[]> homes =
          onRanks(
              ranks,
              backends,
              (t, group) -> {
                double[] clones = random(reproduced, group.rank(), slotsPerRank);
                for (int local = 0; local < slotsPerRank; local++) {
                  // Unused slots hold garbage, which must reach nobody.
                  boolean used = slotHome[group.rank() * slotsPerRank + local] >= 0;
                  clones[local] = used ? clones[local] : Double.NaN;
                }
                Tensor slots = t.reals(clones).reshape(slotsPerRank, 1);
                Tensor home =
                    t.reals(random(reproduced + 500, group.rank(), localExperts))
                        .reshape(localExperts, 1);
                group.reduceSlotGradients(slots, t.ints(slotHome), home);
                double single = home.dtype() == DType.F32 ? 1 : 0;
                double[] sums = t.read(home);
                return new double[] {single, sums[0], sums[1]};
              });
      for (int expert = 0; expert < ranks * localExperts; expert++) {
        int rank = expert / localExperts;
        double sum = random(seed + 500, rank, localExperts)[expert % localExperts];
        for (int slot = 0; slot < slotHome.length; slot++) {
          if (slotHome[slot] == expert) {
            sum += random(seed, slot / slotsPerRank, slotsPerRank)[slot % slotsPerRank];
            sum = homes.get(rank)[0] == 1 ? (float) sum : sum;
          }
        }
        assertThat(homes.get(rank)[1 + expert % localExperts])
            .as("seed %d, expert %d of %s", seed, expert, Arrays.toString(slotHome))
            .isEqualTo(sum);
      }
    }
  }

  /** Any expert in any slot, also one of the home rank, also after an unused slot. */
  private static int[] slotHomes(long seed, int slots, int experts) {
    SplittableRandom random = new SplittableRandom(seed);
    int[] slotHome = new int[slots];
    for (int slot = 0; slot < slots; slot++) {
      slotHome[slot] = random.nextInt(4) == 0 ? -1 : random.nextInt(experts);
    }
    return slotHome;
  }

  @Test
  void ranksOfAGroupAreCountedInsideIt() {
    List<Transport> world = ThreadTransport.group(4, Duration.ofMillis(10));
    try (CpuBackend backend = CpuBackend.f64()) {
      Collectives group = backend.collectives(world.get(3), 1, 3);
      assertThat(group.rank()).isEqualTo(1);
      assertThat(group.ranks()).isEqualTo(2);
    }
  }

  @Test
  void tensorsThatDoNotFitAreRefusedByNameBeforeAnythingIsSent() {
    List<Transport> world = ThreadTransport.group(2, Duration.ofMillis(10));
    try (CpuBackend backend = CpuBackend.f64()) {
      TestTensors t = new TestTensors(backend);
      Collectives group = backend.collectives(world.get(0), 0, 1);
      RowTensors rows = t.rows(3, 2, 4);
      Tensor slotHome = t.ints(-1, -1);
      Tensor threeWide = t.real(3, 5);
      assertRefused("out", () -> group.allGather(t.real(3), t.real(2, 4)));
      assertRefused("out", () -> group.allGather(t.real(3), t.of(DType.I32, 2, 3)));
      assertRefused("tensor", () -> group.allReduceMax(t.real(3)));
      assertRefused("x ", () -> group.dispatch(t.real(4, 5), rows, t.real(9, 5)));
      assertRefused("out ", () -> group.dispatch(threeWide, rows, t.real(9, 4)));
      assertRefused("out ", () -> group.dispatch(threeWide, rows, t.of(DType.F32, 9, 5)));
      assertRefused("x ", () -> group.dispatchScalars(t.real(3, 3), rows, t.real(9)));
      assertRefused("out ", () -> group.dispatchScalars(t.real(3, 2), rows, t.real(9, 2)));
      assertRefused("y ", () -> group.combine(t.real(9, 5), rows, t.real(4, 5)));
      assertRefused("x ", () -> group.combine(t.real(9, 4), rows, threeWide));
      assertRefused("y ", () -> group.combineScalars(t.real(9), rows, t.real(3, 3)));
      assertRefused("x ", () -> group.combineScalars(t.real(9, 2), rows, t.real(3, 2)));
      assertRefused("slots", () -> group.dispatchWeights(t.real(2, 4), slotHome, t.real(2, 4)));
      assertRefused("slots", () -> group.dispatchWeights(t.real(2, 4), slotHome, t.real(1, 3)));
      Tensor real = t.real(2);
      assertRefused("slotHome", () -> group.dispatchWeights(t.real(2, 4), real, t.real(1, 4)));
      assertRefused("slots", () -> group.reduceSlotGradients(t.real(2, 4), slotHome, t.real(2, 4)));
      assertThatThrownBy(() -> world.get(1).receive(0)).isInstanceOf(CommException.class);
    }
  }

  private static void assertRefused(String name, Runnable call) {
    assertThatThrownBy(call::run)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(name);
  }

  /** What one rank of a group does. */
  private interface GroupBody<R> {
    R run(TestTensors tensors, Collectives group);
  }

  /** Runs {@code body} on every rank of a group whose ranks have backends of their own. */
  private static <R> List<R> onRanks(int ranks, Supplier<CpuBackend> backends, GroupBody<R> body) {
    return Ranks.run(
        ranks,
        transport -> {
          try (CpuBackend backend = backends.get()) {
            return body.run(
                new TestTensors(backend), backend.collectives(transport, Ranks.all(ranks)));
          }
        });
  }
}
