package io.antiphon.comm;

import io.antiphon.cpu.CpuBackend;
import io.antiphon.kernel.CudaBackend;
import io.antiphon.tensor.Collectives;
import io.antiphon.tensor.CommException;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.StepGraph;
import io.antiphon.transport.Transport;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;

/** One of two ranks as a process of its own; ends with 0 if all went as it should. */
final class PeerProcess {
  private static final Duration LIMIT = Duration.ofSeconds(20);
  private static final int VANISHED = 7;

  private PeerProcess() {}

  /** Arguments: rank, port of rank 0, folder of compiled kernels, "stay" or "vanish". */
  public static void main(String[] arguments) {
    int rank = Integer.parseInt(arguments[0]);
    boolean vanish = arguments[3].equals("vanish");
    try (Transport transport = SocketTransport.open(rank, Integer.parseInt(arguments[1]));
        CudaBackend backend = CudaBackend.open(0, DType.F32, Path.of(arguments[2]));
        CpuBackend cpu = CpuBackend.f32(1)) {
      PeerGroup peers = PeerGroup.open(backend, transport, vanish ? LIMIT.dividedBy(5) : LIMIT);
      CollectiveScenario scenario = new CollectiveScenario(backend, rank, 2, false);
      CollectiveScenario oracle = new CollectiveScenario(cpu, rank, 2, false);
      Collectives group = peers.collectives(backend.computeLane(), 0, 1);
      Collectives expected = cpu.collectives(transport, 0, 1);
      try (StepGraph graph = backend.record(() -> scenario.enqueue(group))) {
        for (long seed = 1; seed <= 3; seed++) {
          scenario.fill(seed);
          graph.replay();
          backend.synchronize(LIMIT);
          oracle.fill(seed);
          oracle.enqueue(expected);
          requireSame(scenario.read(), oracle.read());
        }
        if (vanish) {
          vanish(rank, backend, graph);
        }
      }
      scenario.free();
    } catch (CommException e) {
      System.err.println("rank " + rank + " ended with: " + e.getMessage());
      System.exit(vanish ? 0 : 1);
    }
  }

  private static void vanish(int rank, CudaBackend backend, StepGraph graph) {
    if (rank == 1) {
      Runtime.getRuntime().halt(VANISHED);
    }
    graph.replay();
    backend.synchronize(LIMIT);
    throw new AssertionError("rank 1 is gone, and rank 0 has not noticed");
  }

  private static void requireSame(Map<String, double[]> found, Map<String, double[]> expected) {
    expected.forEach(
        (name, values) -> {
          if (!Arrays.equals(values, found.get(name))) {
            throw new AssertionError(name + " differs");
          }
        });
  }
}
