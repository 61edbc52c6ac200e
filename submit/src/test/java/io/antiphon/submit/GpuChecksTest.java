package io.antiphon.submit;

import static org.assertj.core.api.Assertions.assertThat;

import io.antiphon.conf.Settings;
import io.antiphon.conf.SettingsReader;
import io.antiphon.run.GpuDiscovery;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every answer of {@code doctor} about GPUs, on machines that the tests make up. */
class GpuChecksTest {
  private static final String NO_DRIVER =
      "libcuda.so.1 (the NVIDIA driver) could not be loaded: libcuda.so.1: cannot open shared"
          + " object file. Looked in LD_LIBRARY_PATH and the system's own path. Install the NVIDIA"
          + " driver, or name its folder in LD_LIBRARY_PATH";
  private static final String NO_NVRTC =
      "libnvrtc.so.13 (CUDA's run-time compiler) could not be loaded: libnvrtc.so.13: cannot open"
          + " shared object file. Looked in LD_LIBRARY_PATH. Install libnvrtc.so.13, or name its"
          + " folder in LD_LIBRARY_PATH; submit/antiphon also searches below the folders in"
          + " ANTIPHON_CUDA_PATH";

  private static Settings settings(String... overrides) {
    return SettingsReader.preset("quickstart", List.of(overrides));
  }

  private static GpuChecks.Result check(FakeGpus machine, String... overrides) {
    return new GpuChecks(Optional.of(settings(overrides)), machine.sources()).run();
  }

  private static GpuChecks.Result withoutSettings(FakeGpus machine) {
    return new GpuChecks(Optional.empty(), machine.sources()).run();
  }

  private static Finding finding(GpuChecks.Result result, String name) {
    return result.findings().stream()
        .filter(finding -> finding.name().equals(name))
        .findFirst()
        .orElseThrow(() -> new AssertionError(name + " is none of " + result.findings()));
  }

  private static boolean failed(GpuChecks.Result result) {
    return result.findings().stream().anyMatch(Finding::failed);
  }

  @ParameterizedTest
  @ValueSource(strings = {"cpu", "cpu-f64"})
  void aRunOnTheCpuAsksForNothing(String kind) {
    GpuChecks.Result result = check(FakeGpus.none(NO_DRIVER), "backend.kind=" + kind);

    assertThat(result.findings())
        .containsExactly(Finding.skip("GPU", "not needed for backend.kind = " + kind));
    assertThat(result.works()).isEmpty();
  }

  @Test
  void aLaptopIsNoFailure() {
    for (GpuChecks.Result result :
        List.of(
            withoutSettings(FakeGpus.none(NO_DRIVER)),
            check(FakeGpus.none(NO_DRIVER), "backend.kind=auto"))) {
      assertThat(failed(result)).isFalse();
      assertThat(result.works()).contains(false);
      assertThat(finding(result, "GPU"))
          .isEqualTo(
              Finding.skip(
                  "GPU",
                  "none; backend.kind = auto computes on the CPU: libcuda.so.1 (the NVIDIA driver)"
                      + " could not be loaded: libcuda.so.1: cannot open shared object file"));
      assertThat(result.findings())
          .extracting(Finding::name)
          .containsExactly("GPU", "libcuda", "NVRTC", "cuBLASLt", "NCCL");
    }
  }

  @Test
  void cudaWithoutADriverFailsWithARemedy() {
    GpuChecks.Result result = check(FakeGpus.none(NO_DRIVER), "backend.kind=cuda");

    assertThat(finding(result, "GPU").status()).isEqualTo(Finding.Status.FAIL);
    assertThat(finding(result, "GPU").found())
        .startsWith("none, and backend.kind is cuda: libcuda.so.1 (the NVIDIA driver) could not be")
        .endsWith("Looked in LD_LIBRARY_PATH and the system's own path");
    assertThat(finding(result, "GPU").remedy())
        .isEqualTo(
            "install the NVIDIA driver, or name its folder in LD_LIBRARY_PATH; or set backend.kind"
                + " to cpu or auto");
  }

  @Test
  void aDriverWithoutADeviceFailsCudaToo() {
    GpuChecks.Result result =
        check(FakeGpus.none("the NVIDIA driver finds no device"), "backend.kind=cuda");

    assertThat(finding(result, "GPU"))
        .isEqualTo(
            Finding.fail(
                "GPU",
                "none, and backend.kind is cuda: the NVIDIA driver finds no device",
                "make a GPU visible to this process; or set backend.kind to cpu or auto"));
  }

  @Test
  void theDriverOfAClusterNeedsNoGpuItself() {
    GpuChecks.Result result =
        check(FakeGpus.none(NO_DRIVER), "backend.kind=cuda", "spark.master=spark://somewhere:7077");

    assertThat(failed(result)).isFalse();
    assertThat(finding(result, "GPU").status()).isEqualTo(Finding.Status.WARN);
    assertThat(finding(result, "GPU").remedy()).contains("executors need them");
    assertThat(finding(result, "GPU discovery").status()).isEqualTo(Finding.Status.WARN);
    assertThat(finding(result, "GPU queues")).isEqualTo(alone());
  }

  private static Finding alone() {
    return Finding.ok("GPU queues", "no two ranks of a process share a GPU");
  }

  @Test
  void aGpuThatWorksSaysWhatItDid() {
    FakeGpus machine = FakeGpus.one();
    GpuChecks.Result result =
        check(machine, "backend.kind=cuda", "backend.kernel-cache=/kernels", "parallelism.ranks=4");

    assertThat(result.findings())
        .containsExactly(
            Finding.ok("NVIDIA driver", "for CUDA 13.0; this process sees 1 GPU"),
            Finding.ok("GPU", "Fake (device 0, compute capability 9.0, 80.0 GiB), 79.0 GiB free"),
            Finding.ok(
                "GPU kernels",
                "memory.cu compiled with NVRTC 13.0 and loaded in 312 ms, right in 0.005 ms; cache"
                    + " /kernels"),
            Finding.ok("cuBLASLt", "multiplies matrices"),
            Finding.ok("NCCL", "version 2.28.3"),
            Finding.ok(
                "GPU queues",
                "4 ranks of a process share a GPU; CUDA_DEVICE_MAX_CONNECTIONS is 32"),
            Finding.ok(
                "GPU discovery",
                "gpu-discovery.sh prints {\"name\": \"gpu\", \"addresses\": [\"0\"]}"));
    assertThat(result.works()).contains(true);
    assertThat(machine.cache()).contains(Path.of("/kernels"));
    assertThat(machine.asked()).isEmpty();
  }

  @Test
  void withoutSettingsAllGpusAreTriedWithTheDefaultCache() {
    FakeGpus machine = FakeGpus.one().count(2).with("CUDA_VISIBLE_DEVICES", "3,5");
    GpuChecks.Result result = withoutSettings(machine);

    assertThat(result.findings())
        .extracting(Finding::name)
        .containsExactly(
            "NVIDIA driver",
            "GPU",
            "GPU kernels",
            "cuBLASLt",
            "GPU",
            "GPU kernels",
            "cuBLASLt",
            "NCCL",
            "GPU discovery");
    assertThat(result.findings().get(0).found())
        .isEqualTo("for CUDA 13.0; this process sees 2 GPUs (CUDA_VISIBLE_DEVICES is 3,5)");
    assertThat(result.findings().get(5).found()).contains("found in the cache");
    assertThat(machine.cache()).get().asString().endsWith(".cache/antiphon/kernels");
    assertThat(result.memory()).get().extracting(GpuChecks.GpuMemory::free).isEqualTo(78L << 30);
  }

  @Test
  void whereNvrtcIsMissingCudaFailsAndIsToldWhatToInstall() {
    GpuChecks.Result result = check(FakeGpus.one().kernelFails(NO_NVRTC), "backend.kind=cuda");

    assertThat(finding(result, "GPU kernels").status()).isEqualTo(Finding.Status.FAIL);
    assertThat(finding(result, "GPU kernels").found())
        .startsWith("libnvrtc.so.13 (CUDA's run-time compiler) could not be loaded");
    assertThat(finding(result, "GPU kernels").remedy())
        .startsWith("install libnvrtc.so.13, or name its folder in LD_LIBRARY_PATH")
        .endsWith("ANTIPHON_CUDA_PATH");
    assertThat(finding(result, "cuBLASLt").status()).isEqualTo(Finding.Status.OK);
    assertThat(finding(result, "GPU discovery").status()).isEqualTo(Finding.Status.OK);
    assertThat(result.works()).contains(false);
  }

  /** Many machines have the driver, for their screens, and none of CUDA's libraries. */
  @Test
  void whereNvrtcIsMissingAutoTakesTheCpu() {
    for (GpuChecks.Result result :
        List.of(
            withoutSettings(FakeGpus.one().kernelFails(NO_NVRTC)),
            check(FakeGpus.one().kernelFails(NO_NVRTC), "backend.kind=auto"))) {
      assertThat(failed(result)).isFalse();
      assertThat(finding(result, "GPU kernels").status()).isEqualTo(Finding.Status.WARN);
      assertThat(result.findings())
          .last()
          .isEqualTo(Finding.skip("GPU", "not used: backend.kind = auto computes on the CPU"));
      assertThat(result.works()).contains(false);
      assertThat(result.memory()).isEmpty();
    }
  }

  @Test
  void wrongNumbersFail() {
    GpuChecks.Result result =
        check(
            FakeGpus.one().productFails("a product gave 3.0 instead of 2.0"), "backend.kind=cuda");

    assertThat(finding(result, "cuBLASLt"))
        .isEqualTo(
            Finding.fail(
                "cuBLASLt",
                "a product gave 3.0 instead of 2.0",
                "see nvidia-smi and the system's log; restart the driver"));
  }

  @ParameterizedTest
  @CsvSource({"auto, WARN", "cuda, FAIL"})
  void anArchitectureThatIsTooOldMatters(String kind, Finding.Status status) {
    String tooOld =
        "device 0 (Tesla V100) has compute capability 7.0, the kernels need 8.0 or later (Ampere,"
            + " 2020). Use another GPU, or backend.kind = cpu";
    GpuChecks.Result result = check(FakeGpus.one().openFails(tooOld), "backend.kind=" + kind);

    assertThat(finding(result, "GPU").status()).isEqualTo(status);
    assertThat(finding(result, "GPU").found()).endsWith("8.0 or later (Ampere, 2020)");
    assertThat(finding(result, "GPU").remedy()).isEqualTo("use another GPU, or backend.kind = cpu");
    assertThat(result.memory()).isEmpty();
    assertThat(result.works()).contains(false);
  }

  @Test
  void aDeviceThatIsLostWhileItIsTriedIsOneMoreFinding() {
    String lost =
        "cuCtxSetCurrent failed, CUDA_ERROR_ILLEGAL_ADDRESS (700): use device 0. This process has"
            + " lost the device, a new one gets it back";
    GpuChecks.Result result =
        check(FakeGpus.one().kernelFails(lost).closeFails(lost), "backend.kind=cuda");

    assertThat(result.findings())
        .filteredOn(Finding::failed)
        .extracting(Finding::name)
        .containsExactly("GPU kernels", "GPU");
  }

  @Test
  void ranksForMoreGpusThanThereAreFail() {
    GpuChecks.Result result = check(FakeGpus.one(), "backend.kind=cuda", "backend.ranks-per-gpu=2");

    assertThat(result.findings())
        .contains(
            Finding.fail(
                "GPU",
                "the ranks need 2 GPUs, and there are 1",
                "raise backend.ranks-per-gpu or lower parallelism.ranks"));
  }

  @Test
  void ncclIsNoNeed() {
    GpuChecks.Result result = check(FakeGpus.one().ncclFails(NO_NVRTC), "backend.kind=cuda");

    assertThat(finding(result, "NCCL").status()).isEqualTo(Finding.Status.SKIP);
    assertThat(finding(result, "NCCL").found())
        .startsWith("needed only if ranks are on several hosts: ");
    assertThat(failed(result)).isFalse();
  }

  @Test
  void aRunThatAsksForNcclNeedsItAndAGpuForEachRank() {
    String[] nccl = {"backend.kind=cuda", "backend.interconnect=nccl"};
    GpuChecks.Result missing = check(FakeGpus.one().ncclFails(NO_NVRTC), nccl);
    assertThat(failed(missing)).isTrue();
    assertThat(finding(missing, "NCCL").found()).startsWith("backend.interconnect is nccl: ");
    assertThat(finding(missing, "NCCL").remedy()).endsWith("or set backend.interconnect = auto");

    GpuChecks.Result shared = check(FakeGpus.one(), nccl);
    assertThat(finding(shared, "NCCL"))
        .isEqualTo(
            Finding.fail(
                "NCCL",
                "version 2.28.3; it takes one rank to a GPU, and with backend.interconnect = nccl"
                    + " 4 share one",
                "set backend.ranks-per-gpu = 1 or backend.interconnect = auto"));

    GpuChecks.Result apart =
        check(
            FakeGpus.one().count(4),
            "backend.kind=cuda",
            "backend.interconnect=nccl",
            "backend.ranks-per-gpu=1");
    assertThat(finding(apart, "NCCL")).isEqualTo(Finding.ok("NCCL", "version 2.28.3"));
  }

  @Test
  void ranksThatShareAGpuNeedAllQueues() {
    FakeGpus few = FakeGpus.one().with("CUDA_DEVICE_MAX_CONNECTIONS", "8");

    assertThat(finding(check(few), "GPU queues"))
        .isEqualTo(
            Finding.fail(
                "GPU queues",
                "4 ranks of a process share a GPU; CUDA_DEVICE_MAX_CONNECTIONS is 8 and must be 32",
                "export CUDA_DEVICE_MAX_CONNECTIONS=32 before the process starts; submit/antiphon"
                    + " does so unless it is set"));
    assertThat(
            finding(
                check(few, "parallelism.ranks=1", "parallelism.expert-parallel=1"), "GPU queues"))
        .isEqualTo(alone());
  }

  @Test
  void executorsGetTheirQueuesFromSpark() {
    FakeGpus unset = FakeGpus.one().with("CUDA_DEVICE_MAX_CONNECTIONS", "1");
    String two = "spark.cluster=2";

    assertThat(finding(check(unset, two), "GPU queues"))
        .isEqualTo(
            Finding.ok(
                "GPU queues",
                "2 ranks of a process share a GPU; CUDA_DEVICE_MAX_CONNECTIONS is 32"));
    Finding overridden =
        finding(
            check(unset, two, "spark.properties.spark.executorEnv.CUDA_DEVICE_MAX_CONNECTIONS=4"),
            "GPU queues");
    assertThat(overridden.status()).isEqualTo(Finding.Status.FAIL);
    assertThat(overridden.remedy())
        .startsWith("remove spark.executorEnv.CUDA_DEVICE_MAX_CONNECTIONS from spark.properties");
  }

  @Test
  void moreStreamsThanQueuesAreAWarning() {
    GpuChecks.Result result =
        check(FakeGpus.one(), "parallelism.ranks=16", "schedule.global-batch=64");

    assertThat(finding(result, "GPU queues").status()).isEqualTo(Finding.Status.WARN);
    assertThat(finding(result, "GPU queues").remedy()).startsWith("let at most 10 ranks share");
  }

  @Test
  void discoveryThatFailsMattersWhereSparkGivesGpusOut() {
    GpuDiscovery nothing = GpuDiscovery.without("it printed '0 1'\nand more");

    Finding local = finding(check(FakeGpus.one().discovery(nothing)), "GPU discovery");
    assertThat(local)
        .isEqualTo(
            Finding.warn(
                "GPU discovery",
                "gpu-discovery.sh finds no GPU for Spark to give out: it printed '0 1'; and more",
                "needed on the machines of a Spark cluster only; see docs/operations.md"));
    Finding cluster =
        finding(
            check(FakeGpus.one().discovery(nothing), "spark.cluster=2", "backend.kind=cuda"),
            "GPU discovery");
    assertThat(cluster.status()).isEqualTo(Finding.Status.FAIL);
  }

  @Test
  void theUsersOwnScriptIsTheOneThatRuns() {
    FakeGpus machine = FakeGpus.one();
    GpuChecks.Result result =
        check(
            machine,
            "spark.master=yarn",
            "spark.properties.spark.executor.resource.gpu.discoveryScript=/opt/gpus.sh");

    assertThat(machine.asked()).contains(Path.of("/opt/gpus.sh"));
    assertThat(finding(result, "GPU discovery").found()).startsWith("/opt/gpus.sh prints {");
  }

  @ParameterizedTest
  @CsvSource({
    // local ranks: ranks-per-gpu, cluster, visible -> devices, on one, in one process
    "0, 0, 1, 1, 4, 4",
    "2, 0, 2, 2, 2, 2",
    "3, 0, 2, 2, 3, 3",
    "0, 2, 1, 1, 4, 2",
    "0, 2, 2, 2, 2, 2",
    "0, 4, 2, 2, 2, 1",
    "0, 4, 8, 4, 1, 1",
    "0, 2, 0, 1, 4, 2"
  })
  void ranksShareGpusAsTheyArePlaced(
      int each, int cluster, int visible, int devices, int onDevice, int inProcess) {
    Settings run = settings("backend.ranks-per-gpu=" + each, "spark.cluster=" + cluster);
    assertThat(GpuSharing.of(run, visible)).isEqualTo(new GpuSharing(devices, onDevice, inProcess));
  }

  @Test
  void onOtherMachinesARankHasAGpuUnlessToldOtherwise() {
    assertThat(GpuSharing.of(settings("spark.master=yarn"), 1)).isEqualTo(new GpuSharing(0, 1, 1));
    assertThat(GpuSharing.of(settings("spark.master=yarn", "backend.ranks-per-gpu=2"), 1))
        .isEqualTo(new GpuSharing(0, 2, 2));
  }
}
