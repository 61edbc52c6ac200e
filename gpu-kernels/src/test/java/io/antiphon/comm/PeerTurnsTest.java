package io.antiphon.comm;

import static org.assertj.core.api.Assertions.assertThat;

import io.antiphon.cpu.CpuBackend;
import io.antiphon.device.Device;
import io.antiphon.kernel.CudaBackend;
import io.antiphon.kernel.TestDevices;
import io.antiphon.tensor.Backend;
import io.antiphon.tensor.Collectives;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.StepGraph;
import io.antiphon.transport.Members;
import io.antiphon.transport.Ranks;
import io.antiphon.transport.Transport;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Every operation among ranks that take turns: whoever has the turn finds that all others have
 * come, so that no kernel waits for another. For sanitizers, under which kernels that wait for each
 * other may never end.
 */
@Tag("gpu")
class PeerTurnsTest {
  private static final Duration LIMIT = Duration.ofSeconds(30);

  /**
   * Results of exchanges, which are one meeting each: who has the turn joins what the others have
   * not all sent yet, so only accesses can be checked.
   */
  private static final String EXCHANGED = "gathered counts|(sum|maximum) \\w+ (1|17)";

  /** More meetings than any group comes to. */
  private static final long EVER = 1L << 40;

  @ParameterizedTest(name = "{0} ranks, {1}")
  @CsvSource({"2, F32", "3, BF16", "4, F32"})
  void operationsNeedNoKernelOfAnotherRank(int ranks, DType type) {
    List<Map<String, double[]>> found =
        Ranks.run(
            ranks,
            transport -> {
              try (CudaBackend backend = CudaBackend.open(0, type, TestDevices.kernelCache())) {
                PeerGroup peers = PeerGroup.open(backend, transport, LIMIT);
                CollectiveScenario scenario = scenario(backend, transport, type);
                PeerCollectives group =
                    (PeerCollectives)
                        peers.collectives(backend.computeLane(), Ranks.all(transport.ranks()));
                scenario.fill(1);
                scenario.enqueue(byTurns(group, backend, Members.world(transport)));
                Map<String, double[]> results = scenario.read();
                scenario.free();
                return results;
              }
            });
    List<Map<String, double[]>> expected =
        Ranks.run(
            ranks,
            transport -> {
              try (CpuBackend backend = CpuBackend.f32(1)) {
                CollectiveScenario scenario = scenario(backend, transport, type);
                scenario.fill(1);
                scenario.enqueue(backend.collectives(transport, Ranks.all(transport.ranks())));
                return scenario.read();
              }
            });
    for (int rank = 0; rank < ranks; rank++) {
      Map<String, double[]> numbers = found.get(rank);
      assertThat(numbers).containsOnlyKeys(expected.get(rank).keySet());
      expected
          .get(rank)
          .forEach(
              (name, values) -> {
                if (!name.matches(EXCHANGED)) {
                  assertThat(numbers.get(name)).as(name).isEqualTo(values);
                }
              });
    }
  }

  private static CollectiveScenario scenario(Backend backend, Transport transport, DType type) {
    return new CollectiveScenario(backend, transport.rank(), transport.ranks(), type == DType.BF16);
  }

  /** Records each call on all ranks together, and runs it on one after the other. */
  private static Collectives byTurns(PeerCollectives group, CudaBackend backend, Members world) {
    return (Collectives)
        Proxy.newProxyInstance(
            Collectives.class.getClassLoader(),
            new Class<?>[] {Collectives.class},
            (proxy, method, arguments) -> {
              if (method.getReturnType() != void.class) {
                return method.invoke(group, arguments);
              }
              try (StepGraph graph =
                  backend.record(() -> invoke(() -> method.invoke(group, arguments)))) {
                for (int turn = 0; turn < world.ranks(); turn++) {
                  if (turn == world.rank()) {
                    arrive(group, backend.device());
                    graph.replay();
                    backend.synchronize(LIMIT);
                  }
                  world.meet();
                }
              }
              return null;
            });
  }

  /** Makes the peers of a rank seem to have come to all meetings. */
  private static void arrive(PeerCollectives group, Device device) {
    ByteBuffer arrived =
        ByteBuffer.allocate(group.ranks() * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    while (arrived.hasRemaining()) {
      arrived.putLong(EVER);
    }
    device
        .heap()
        .write(group.control().addresses()[group.rank()] + ControlBlock.ARRIVED, arrived.flip());
  }

  private interface Call {
    Object run() throws InvocationTargetException, IllegalAccessException;
  }

  private static void invoke(Call call) {
    try {
      call.run();
    } catch (InvocationTargetException e) {
      throw new AssertionError(e.getCause());
    } catch (IllegalAccessException e) {
      throw new LinkageError("collectives are public", e);
    }
  }
}
