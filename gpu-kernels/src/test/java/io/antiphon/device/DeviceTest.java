package io.antiphon.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.antiphon.transport.Ranks;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Memory, kernels, graphs and libraries of a real device. */
@Tag("gpu")
class DeviceTest {
  private static final KernelSource ADD_ONE =
      new KernelSource(
          "test_kernels.cu",
          List.of("add_one<float>", "add_one<int>"),
          KernelSource.Target.PORTABLE);
  private static final int LENGTH = 1000;
  private static final int RANKS = 8;
  private static final int MEETINGS = 4;

  @TempDir Path folder = Path.of("");

  @Test
  void compilesOnceAndLaunchesDirectlyAndFromAGraph() throws Exception {
    try (Device device = Device.open(0)) {
      run(device);
      List<Path> compiled = entries();
      assertThat(compiled).hasSize(1);
      var written = Files.getLastModifiedTime(compiled.get(0));
      run(device);
      assertThat(entries()).isEqualTo(compiled);
      assertThat(Files.getLastModifiedTime(compiled.get(0))).isEqualTo(written);
    }
  }

  private List<Path> entries() throws Exception {
    try (var files = Files.list(folder)) {
      return files.toList();
    }
  }

  private void run(Device device) {
    try (Kernels kernels = new Kernels(device, new CubinCache(folder));
        Stream stream = device.stream(0);
        PinnedMemory host = device.heap().pinned(4L * LENGTH);
        DeviceMemory memory = device.heap().allocate("numbers", 4L * LENGTH)) {
      Kernel kernel = kernels.load(ADD_ONE).kernel("add_one<float>");
      Arguments arguments = new Arguments().address(memory.address()).i32(LENGTH);
      Grid grid = Grid.striding(LENGTH, 128, device);
      kernel.launch(stream, grid, arguments);
      try (Graph graph =
          Graph.capture(device, stream, () -> kernel.launch(stream, grid, arguments))) {
        assertThat(graph.nodes()).isEqualTo(1);
        Map<String, Long> before = device.calls().counts();
        graph.launch(stream);
        graph.launch(stream);
        assertThat(device.calls().counts().get("cuGraphLaunch"))
            .isEqualTo(before.getOrDefault("cuGraphLaunch", 0L) + 2);
      }
      stream.download(memory.address(), host, 0, 4 * LENGTH);
      stream.synchronize();
      for (int i = 0; i < LENGTH; i++) {
        assertThat(host.bytes().getFloat(4 * i)).isEqualTo(3);
      }
    }
  }

  @Test
  void memoryThatIsNotGivenBackIsToldOfWithWhereItWasAllocated() {
    List<String> told = new ArrayList<>();
    DeviceMemory leaked;
    try (Device device = Device.open(0, told::add)) {
      device.heap().allocate("numbers", 1 << 20).close();
      device.heap().pinned(4096).close();
      device.heap().allocate("kept on purpose", 256).keep();
      leaked = device.heap().allocate("forgotten numbers", 1 << 20);
    }
    assertThat(told).hasSize(1);
    assertThat(told.get(0))
        .contains("device 0 was given back with 1048576 bytes in 1 blocks")
        .contains("1048576 bytes for forgotten numbers, allocated")
        .contains("DeviceTest.memoryThatIsNotGivenBack");
    assertThat(leaked.bytes()).isEqualTo(1 << 20);
  }

  /**
   * Streams whose first kernels waited for each other once began one after the other, and the waits
   * were in vain. A device that uses no stream beforehand fails this test now and then.
   */
  @Test
  void kernelsOfSeveralThreadsRunAtOnceFromTheirFirstUse() {
    String name = "meet_others<" + RANKS + ">";
    KernelSource source =
        new KernelSource("test_kernels.cu", List.of(name), KernelSource.Target.PORTABLE);
    AtomicInteger ready = new AtomicInteger();
    CyclicBarrier end = new CyclicBarrier(RANKS);
    try (Device owner = Device.open(0);
        DeviceMemory arrivals = owner.heap().allocate("arrivals", Integer.BYTES);
        DeviceMemory practice = owner.heap().allocate("arrivals of no meeting", Integer.BYTES);
        DeviceMemory missed = owner.heap().allocate("who missed a meeting", Integer.BYTES)) {
      Ranks.run(
          RANKS,
          transport -> {
            try (Device device = Device.open(0);
                Kernels kernels = new Kernels(device, new CubinCache(folder));
                Stream used = device.stream(0);
                Stream fresh = device.stream(0)) {
              Kernel kernel = kernels.load(source).kernel(name);
              for (int i = 0;
                  i < 2_000;
                  i++) { // so that launches take the same time in all threads
                kernel.launch(used, Grid.of(1, 1), meeting(practice, -1, missed));
              }
              used.synchronize();
              ready.incrementAndGet();
              long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
              while (ready.get() < RANKS && System.nanoTime() < deadline) {
                Thread.onSpinWait();
              }
              for (int meeting = 0; meeting < MEETINGS; meeting++) {
                kernel.launch(fresh, Grid.of(1, 1), meeting(arrivals, meeting, missed));
              }
              fresh.synchronize();
              end.await(60, TimeUnit.SECONDS); // closing may wait for the streams of all
            }
            return transport.rank();
          });
      assertThat(owner.heap().read(missed.address(), Integer.BYTES).getInt()).isZero();
      assertThat(owner.heap().read(arrivals.address(), Integer.BYTES).getInt())
          .isEqualTo(MEETINGS * RANKS);
    }
  }

  private static Arguments meeting(DeviceMemory arrivals, int meeting, DeviceMemory missed) {
    return new Arguments()
        .address(arrivals.address())
        .i32(meeting)
        .i64(Duration.ofSeconds(2).toNanos())
        .address(missed.address());
  }

  @Test
  void memoryThatIsNotThereIsRefusedWithNumbers() {
    try (Device device = Device.open(0)) {
      assertThatThrownBy(() -> device.heap().allocate("a huge buffer", 1L << 45))
          .isInstanceOf(OutOfDeviceMemory.class)
          .hasMessageContaining("a huge buffer")
          .hasMessageContaining("33554432.0 MiB");
      device.heap().allocate("a small one", 256).close();
    }
  }

  @Test
  void aDeviceThatIsNotThereIsNamed() {
    assertThatThrownBy(() -> Device.open(99))
        .isInstanceOf(DeviceException.class)
        .hasMessageContaining("99");
  }

  @Test
  void anErrorOfTheCompilerIsShown() {
    KernelSource wrong =
        new KernelSource(
            "test_kernels.cu", List.of("no_such_kernel<float>"), KernelSource.Target.PORTABLE);
    try (Device device = Device.open(0);
        Kernels kernels = new Kernels(device, new CubinCache(folder))) {
      assertThatThrownBy(() -> kernels.load(wrong))
          .isInstanceOf(DeviceException.class)
          .hasMessageContaining("no_such_kernel");
    }
  }

  @Test
  void multipliesMatrices() {
    try (Device device = Device.open(0);
        DenseGemm gemm = new DenseGemm();
        Stream stream = device.stream(0);
        PinnedMemory host = device.heap().pinned(256);
        DeviceMemory memory = device.heap().allocate("matrices", 256)) {
      float[] a = {1, 2, 3, 4, 5, 6};
      for (int i = 0; i < 6; i++) {
        host.bytes().putFloat(4 * i, a[i]);
      }
      stream.upload(host, 0, memory.address(), 24);
      var type = DenseGemm.ElementType.F32;
      // [2, 3] times its transpose.
      gemm.multiply(
          stream,
          new DenseGemm.Operand(memory.address(), type, false),
          new DenseGemm.Operand(memory.address(), type, true),
          new DenseGemm.Operand(memory.address() + 64, type, false),
          2,
          2,
          3,
          false);
      stream.download(memory.address() + 64, host, 64, 16);
      stream.synchronize();
      float[] product = new float[4];
      host.bytes().slice(64, 16).order(host.bytes().order()).asFloatBuffer().get(product);
      assertThat(product).containsExactly(14, 32, 32, 77);
    }
  }
}
