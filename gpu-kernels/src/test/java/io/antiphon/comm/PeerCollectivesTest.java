package io.antiphon.comm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.antiphon.cpu.CpuBackend;
import io.antiphon.kernel.CudaBackend;
import io.antiphon.kernel.TestDevices;
import io.antiphon.tensor.Collectives;
import io.antiphon.tensor.CommException;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.HostValues;
import io.antiphon.tensor.Shape;
import io.antiphon.tensor.StepGraph;
import io.antiphon.tensor.Tensor;
import io.antiphon.transport.Ranks;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Peer memory among threads that share a device, against the collectives of the CPU. */
@Tag("gpu")
class PeerCollectivesTest {
  private static final Duration LIMIT = Duration.ofSeconds(20);
  private static final Duration SHORT = Duration.ofSeconds(2);
  private static final long[] SEEDS = {1, 2, 3};

  static Stream<Arguments> groups() {
    return Stream.of(1, 2, 3, 4, 8)
        .flatMap(
            ranks -> Stream.of(Arguments.of(ranks, DType.F32), Arguments.of(ranks, DType.BF16)));
  }

  /** Results of every seed on every rank, on the CPU. */
  private static List<List<Map<String, double[]>>> expected(int ranks, DType type) {
    return Ranks.run(
        ranks,
        transport -> {
          try (CpuBackend backend = CpuBackend.f32(1)) {
            Collectives group = backend.collectives(transport, Ranks.all(ranks));
            CollectiveScenario scenario =
                new CollectiveScenario(backend, group.rank(), ranks, type == DType.BF16);
            List<Map<String, double[]>> results = new ArrayList<>();
            for (long seed : SEEDS) {
              scenario.fill(seed);
              scenario.enqueue(group);
              results.add(scenario.read());
            }
            return results;
          }
        });
  }

  private static void assertSame(
      List<List<Map<String, double[]>>> found, List<List<Map<String, double[]>>> expected) {
    for (int rank = 0; rank < expected.size(); rank++) {
      for (int i = 0; i < SEEDS.length; i++) {
        Map<String, double[]> numbers = found.get(rank).get(i);
        int place = i;
        int here = rank;
        expected
            .get(rank)
            .get(i)
            .forEach(
                (name, values) ->
                    assertThat(numbers.get(name))
                        .as("%s on rank %d, seed %d", name, here, SEEDS[place])
                        .isEqualTo(values));
      }
    }
  }

  @ParameterizedTest(name = "{0} ranks, {1}")
  @MethodSource("groups")
  void everyOperationHasTheBitsOfTheCpu(int ranks, DType type) {
    List<List<Map<String, double[]>>> found =
        Ranks.run(
            ranks,
            transport -> {
              try (CudaBackend backend = CudaBackend.open(0, type, TestDevices.kernelCache())) {
                PeerGroup peers = PeerGroup.open(backend, transport, LIMIT);
                CollectiveScenario scenario =
                    new CollectiveScenario(backend, transport.rank(), ranks, type == DType.BF16);
                Collectives group = peers.collectives(backend.computeLane(), Ranks.all(ranks));
                List<Map<String, double[]>> results = new ArrayList<>();
                for (long seed : SEEDS) {
                  scenario.fill(seed);
                  scenario.enqueue(group);
                  backend.synchronize(LIMIT);
                  results.add(scenario.read());
                }
                return results;
              }
            });
    assertSame(found, expected(ranks, type));
  }

  @ParameterizedTest(name = "{0} ranks, {1}")
  @MethodSource("groups")
  void aRecordedStepTakesTheDataOfEachReplay(int ranks, DType type) {
    List<List<Map<String, double[]>>> found =
        Ranks.run(
            ranks,
            transport -> {
              try (CudaBackend backend = CudaBackend.open(0, type, TestDevices.kernelCache())) {
                PeerGroup peers = PeerGroup.open(backend, transport, LIMIT);
                CollectiveScenario scenario =
                    new CollectiveScenario(backend, transport.rank(), ranks, type == DType.BF16);
                Collectives group = peers.collectives(backend.computeLane(), Ranks.all(ranks));
                List<Map<String, double[]>> results = new ArrayList<>();
                try (StepGraph graph = backend.record(() -> scenario.enqueue(group))) {
                  for (long seed : SEEDS) {
                    scenario.fill(seed);
                    graph.replay();
                    backend.synchronize(LIMIT);
                    results.add(scenario.read());
                  }
                }
                scenario.free();
                return results;
              }
            });
    assertSame(found, expected(ranks, type));
  }

  /** The larger buffers of a rerun after an overflow: the old ones are gone on all ranks first. */
  @Test
  void buffersAreFreedAndOthersTakeTheirPlace() {
    int ranks = 4;
    List<List<Map<String, double[]>>> found =
        Ranks.run(
            ranks,
            transport -> {
              try (CudaBackend backend =
                  CudaBackend.open(0, DType.F32, TestDevices.kernelCache())) {
                PeerGroup peers = PeerGroup.open(backend, transport, LIMIT);
                Collectives group = peers.collectives(backend.computeLane(), Ranks.all(ranks));
                List<Map<String, double[]>> results = new ArrayList<>();
                for (long seed : SEEDS) {
                  CollectiveScenario scenario =
                      new CollectiveScenario(backend, transport.rank(), ranks, false);
                  scenario.fill(seed);
                  try (StepGraph graph = backend.record(() -> scenario.enqueue(group))) {
                    graph.replay();
                    backend.synchronize(LIMIT);
                    results.add(scenario.read());
                  }
                  scenario.free();
                }
                return results;
              }
            });
    assertSame(found, expected(ranks, DType.F32));
  }

  /** Two groups of two ranks, and one of all four, on both lanes at once. */
  @Test
  void groupsAndLanesDoNotMix() {
    int steps = 50;
    Ranks.run(
        4,
        transport -> {
          try (CudaBackend backend = CudaBackend.open(0, DType.F32, TestDevices.kernelCache())) {
            PeerGroup peers = PeerGroup.open(backend, transport, LIMIT);
            int rank = transport.rank();
            HostValues values = new HostValues(backend.hostIo());
            Tensor pairSum = tensor(backend, 5000);
            Tensor worldSum = tensor(backend, 3);
            Tensor besides = tensor(backend, 9000);
            int first = rank / 2 * 2;
            Collectives pair = peers.collectives(backend.computeLane(), first, first + 1);
            Collectives world = peers.collectives(backend.computeLane(), 0, 1, 2, 3);
            Collectives transfer = peers.collectives(backend.transferLane(), 0, 1, 2, 3);
            try (StepGraph graph =
                backend.record(
                    () -> {
                      transfer.allReduceSum(besides);
                      pair.allReduceSum(pairSum);
                      world.allReduceSum(worldSum);
                      transfer.allReduceSum(besides);
                    })) {
              for (int step = 0; step < steps; step++) {
                values.write(pairSum, filled(5000, rank + step));
                values.write(worldSum, filled(3, rank + step));
                values.write(besides, filled(9000, 1));
                graph.replay();
                backend.synchronize(LIMIT);
                assertThat(values.doubles(pairSum)).containsOnly(2 * first + 1 + 2 * step);
                assertThat(values.doubles(worldSum)).containsOnly(6 + 4 * step);
                assertThat(values.doubles(besides)).containsOnly(16);
              }
            }
            return true;
          }
        });
  }

  /** Grids that fill the device many times over, on as many lanes as share it in any test. */
  @Test
  void largeSumsOfEightRanksAreRight() {
    int ranks = 8;
    int length = (32 << 20) / Float.BYTES;
    Ranks.run(
        ranks,
        transport -> {
          try (CudaBackend backend = CudaBackend.open(0, DType.F32, TestDevices.kernelCache())) {
            PeerGroup peers = PeerGroup.open(backend, transport, LIMIT);
            HostValues values = new HostValues(backend.hostIo());
            Tensor large = tensor(backend, length);
            Collectives group = peers.collectives(backend.computeLane(), Ranks.all(ranks));
            double[] own = new double[length];
            double[] sums = new double[length];
            for (int i = 0; i < length; i++) {
              own[i] = i % 1000 + transport.rank();
              sums[i] = ranks * (i % 1000) + ranks * (ranks - 1) / 2;
            }
            try (StepGraph graph = backend.record(() -> group.allReduceSum(large))) {
              for (int replay = 0; replay < 5; replay++) {
                values.write(large, own);
                graph.replay();
                backend.synchronize(LIMIT);
                assertThat(values.doubles(large)).isEqualTo(sums);
              }
            }
            return true;
          }
        });
  }

  private static Tensor tensor(CudaBackend backend, int length) {
    return Tensor.of(backend.allocate("test", DType.F32, length), Shape.of(length));
  }

  private static double[] filled(int length, double value) {
    double[] values = new double[length];
    java.util.Arrays.fill(values, value);
    return values;
  }

  /** How a rank fails its peers. */
  enum Failure {
    LEAVES,
    STAYS_AWAY,
    IS_GIVEN_UP
  }

  @ParameterizedTest
  @ValueSource(strings = {"LEAVES", "STAYS_AWAY", "IS_GIVEN_UP"})
  void ranksThatLoseOneEndWithTheReasonAndTheProcessGoesOn(Failure failure) {
    CountDownLatch othersEnded = new CountDownLatch(3);
    CountDownLatch othersWait = new CountDownLatch(3);
    List<String> reasons =
        Ranks.run(
            4,
            transport -> {
              try (CudaBackend backend =
                  CudaBackend.open(0, DType.F32, TestDevices.kernelCache())) {
                PeerGroup peers = PeerGroup.open(backend, transport, SHORT);
                HostValues values = new HostValues(backend.hostIo());
                Tensor large = tensor(backend, 100_000);
                Tensor small = tensor(backend, 3);
                Tensor flag = Tensor.of(backend.allocate("flag", DType.I32, 1), Shape.of(1));
                Collectives group = peers.collectives(backend.computeLane(), 0, 1, 2, 3);
                try (StepGraph graph =
                    backend.record(
                        () -> {
                          group.allReduceSum(large);
                          group.allReduceMax(flag);
                          group.allReduceSum(small);
                        })) {
                  graph.replay();
                  backend.synchronize(LIMIT);
                  assertThat(values.doubles(flag)).containsExactly(0);
                  if (transport.rank() == 1) {
                    if (failure != Failure.LEAVES) {
                      othersEnded.await(60, TimeUnit.SECONDS);
                    }
                    return "";
                  }
                  graph.replay();
                  graph.replay();
                  othersWait.countDown();
                  if (failure == Failure.IS_GIVEN_UP) {
                    othersWait.await(60, TimeUnit.SECONDS);
                    peers.abort("the supervisor says so");
                  }
                  Throwable thrown = catchThrowable(() -> backend.synchronize(LIMIT));
                  // What is enqueued drains, commits nothing, and says so.
                  assertThat(values.doubles(flag)).containsExactly(1);
                  assertThat(values.doubles(small)).containsOnly(Double.NaN);
                  assertThat(thrown).isInstanceOf(CommException.class);
                  assertThatThrownBy(backend::requireHealthy).isInstanceOf(CommException.class);
                  return String.valueOf(thrown.getMessage());
                } finally {
                  if (transport.rank() != 1) {
                    othersEnded.countDown();
                  }
                }
              }
            });
    String expected =
        switch (failure) {
          case LEAVES -> "failed or left";
          case STAYS_AWAY -> "waited 2";
          case IS_GIVEN_UP -> "the supervisor says so";
        };
    // The first to give up says why; the others may learn it from that rank.
    List<String> others = new ArrayList<>(reasons);
    others.remove(1);
    assertThat(others).anySatisfy(reason -> assertThat(reason).contains(expected));
    assertThat(others)
        .allSatisfy(reason -> assertThat(reason).containsPattern("rank \\d.*(group|gave up)"));
    everyOperationHasTheBitsOfTheCpu(2, DType.F32);
  }

  @Test
  void differentCallsAreNoticedAtTheFirstUse() {
    Ranks.run(
        2,
        transport -> {
          try (CudaBackend backend = CudaBackend.open(0, DType.F32, TestDevices.kernelCache())) {
            PeerGroup peers = PeerGroup.open(backend, transport, SHORT);
            Tensor tensor = tensor(backend, 10_000 + transport.rank());
            Collectives group = peers.collectives(backend.computeLane(), 0, 1);
            return assertThatThrownBy(() -> group.allReduceSum(tensor))
                .isInstanceOf(CommException.class)
                .hasMessageContaining("10001 elements of F32");
          }
        });
  }
}
