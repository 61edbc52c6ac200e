package io.antiphon.comm;

import static org.assertj.core.api.Assertions.assertThat;

import io.antiphon.kernel.TestDevices;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Peer memory between processes, through CUDA IPC. */
@Tag("gpu")
class PeerProcessesTest {
  private static final int SECONDS = 90;

  @TempDir Path folder = Path.of("");

  @Test
  void twoProcessesShareADevice() throws Exception {
    assertThat(run("stay")).as(this::logs).containsExactly(0, 0);
  }

  @Test
  void aProcessWhosePeerVanishesEndsWithAReason() throws Exception {
    assertThat(run("vanish")).as(this::logs).containsExactly(0, 7);
    assertThat(Files.readString(log(0))).contains("rank 0 ended with: rank 0 waited", "rank 1");
  }

  private Path log(int rank) {
    return folder.resolve("rank" + rank + ".log");
  }

  private String logs() {
    try {
      return Files.readString(log(0)) + "\n" + Files.readString(log(1));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private List<Integer> run(String mode) throws Exception {
    int port;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    List<Process> processes = new ArrayList<>();
    List<Integer> codes = new ArrayList<>();
    try {
      for (int rank = 0; rank < 2; rank++) {
        processes.add(start(rank, port, mode));
      }
      for (Process process : processes) {
        boolean ended = process.waitFor(SECONDS, TimeUnit.SECONDS);
        codes.add(ended ? process.exitValue() : -1);
      }
      return codes;
    } finally {
      processes.forEach(Process::destroyForcibly);
    }
  }

  private Process start(int rank, int port, String mode) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            System.getProperty("java.class.path"),
            PeerProcess.class.getName(),
            Integer.toString(rank),
            Integer.toString(port),
            TestDevices.kernelCache().toString(),
            mode)
        .redirectErrorStream(true)
        .redirectOutput(log(rank).toFile())
        .start();
  }
}
