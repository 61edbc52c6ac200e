package io.antiphon.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.antiphon.conf.Settings;
import io.antiphon.conf.SettingsReader;
import io.antiphon.device.Cuda;
import io.antiphon.model.ModelState;
import io.antiphon.tensor.Backend;
import io.antiphon.tensor.CommException;
import io.antiphon.train.checkpoint.Checkpoints;
import io.antiphon.train.checkpoint.LocalCheckpointFiles;
import io.antiphon.train.report.StepMetrics;
import io.antiphon.transport.Ranks;
import io.antiphon.transport.Transport;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The quickstart through the whole training loop, its ranks threads that share device 0. Needs
 * CUDA_DEVICE_MAX_CONNECTIONS=32 in the environment.
 */
@Tag("gpu")
@Timeout(300)
class CudaTrainerTest {
  private static final long NEVER = RecordedRun.NEVER;
  private static final int STEPS = 100;
  private static final String FP32 = "backend.precision=fp32";
  private static final String BF16 = "backend.precision=bf16";

  /** Largest relative error of a rounding to bf16. */
  private static final double ROUNDING = 0x1p-9;

  /**
   * Tolerance of a loss from the same weights. On the way to a logit a value is rounded to bf16
   * about 16 times, twice in each half of two blocks and as often for their inputs; errors in
   * random directions add up as their root.
   */
  private static final double FORWARD_TOLERANCE = 4 * ROUNDING;

  @TempDir Path directory = Path.of("");

  /**
   * Where the loss falls steeply, training amplifies any difference, so what bf16 may change in a
   * curve is measured: training in fp32 whose every update is off by one rounding of bf16, up or
   * down. Two such runs do not tell how far a third may go: twice as far.
   */
  @Test
  void curvesOfBothPrecisionsFollowTheCpu(TestReporter reporter) throws Exception {
    String steps = "schedule.steps=" + STEPS;
    List<Double> cpu = train("cpu", NEVER, "backend.kind=cpu", steps).losses();
    List<Double> fp32 = train("fp32", NEVER, FP32, steps).losses();
    List<Double> bf16 = train("bf16", NEVER, BF16, steps).losses();
    double rate = SettingsReader.preset("quickstart", List.of()).optimizer().learningRate();
    double spread = 0;
    for (double error : new double[] {ROUNDING, -ROUNDING}) {
      String perturbed = "optimizer.learning-rate=" + rate * (1 + error);
      List<Double> off = train("off by " + error, NEVER, FP32, steps, perturbed).losses();
      spread = Math.max(spread, difference(fp32, off, STEPS));
    }
    reporter.publishEntry(
        Map.of(
            "fp32 with updates off by a rounding, all steps", "" + spread,
            "bf16, first step", "" + difference(cpu, bf16, 1),
            "fp32, 20 steps", "" + difference(cpu, fp32, 20),
            "fp32, all steps", "" + difference(cpu, fp32, STEPS),
            "bf16, all steps", "" + difference(cpu, bf16, STEPS),
            "losses at the end", last(cpu) + ", " + last(fp32) + ", " + last(bf16)));

    assertThat(cpu).hasSize(STEPS);
    assertThat(difference(cpu, fp32, 20)).as("fp32").isLessThan(1e-4);
    assertThat(difference(cpu, bf16, 1)).as("bf16, first step").isLessThan(FORWARD_TOLERANCE);
    assertThat(difference(cpu, bf16, STEPS)).as("bf16").isLessThan(2 * spread);
    assertThat(last(bf16)).isLessThan(0.6 * bf16.get(0));
  }

  private static double last(List<Double> losses) {
    return losses.get(losses.size() - 1);
  }

  /** Largest relative difference of the first {@code steps} losses. */
  private static double difference(List<Double> expected, List<Double> actual, int steps) {
    assertThat(actual).hasSameSizeAs(expected);
    double most = 0;
    for (int i = 0; i < steps; i++) {
      most = Math.max(most, Math.abs(actual.get(i) / expected.get(i) - 1));
    }
    return most;
  }

  @Test
  void clonesChangeTheBalanceAndNotTheLosses() throws Exception {
    String[] shape = {FP32, "schedule.steps=20", "moe.echo.slots-per-rank=4"};
    RecordedRun with = train("with", NEVER, shape);
    RecordedRun without = train("without", NEVER, and(shape, "moe.echo.enabled=false"));

    assertThat(difference(without.losses(), with.losses(), 20)).isLessThan(1e-4);
    assertThat(with.steps()).last().satisfies(step -> assertThat(step.clones()).isPositive());
    assertThat(with.steps())
        .allSatisfy(step -> assertThat(step.loadAfter()).isCloseTo(1, within(0.05)));
    assertThat(without.steps())
        .allSatisfy(step -> assertThat(step.loadAfter()).isGreaterThan(1.05));
  }

  @Test
  void aCapacityThatIsTooSmallCostsRerunsAndNoBit() throws Exception {
    String[] shape = {BF16, "schedule.steps=12", "moe.echo.enabled=false"};
    RecordedRun ample = train("ample", NEVER, and(shape, "moe.token-capacity=4"));
    RecordedRun tight = train("tight", NEVER, and(shape, "moe.token-capacity=1"));

    assertThat(tight.reruns()).as("reruns").isPositive();
    assertThat(ample.reruns()).isZero();
    assertThat(tight.losses()).isEqualTo(ample.losses());
    assertThat(tight.validation()).isEqualTo(ample.validation());
  }

  @Test
  void aResumedRunHasTheBitsOfAnUninterruptedOne() throws Exception {
    String[] shape = {BF16, "schedule.steps=12"};
    RecordedRun whole = train("whole", NEVER, shape);
    RecordedRun first = train("parts", 5, shape);
    RecordedRun rest = train("parts", NEVER, shape);

    List<Double> joined = new ArrayList<>(first.losses());
    joined.addAll(rest.losses());
    assertThat(joined).isEqualTo(whole.losses());
    assertThat(rest.validation()).isEqualTo(whole.validation());
  }

  @Test
  void aStepInSteadyStateIsOneCopyAndOneLaunch(TestReporter reporter) throws Exception {
    RecordedRun run = train("steady", NEVER, BF16, "schedule.steps=40");
    List<StepMetrics> steady = run.steps().subList(10, 36);
    reporter.publishEntry("CUDA calls of step 30", "" + run.steps().get(29).cudaCalls());

    assertThat(steady)
        .allSatisfy(
            step -> {
              assertThat(step.cudaCalls()).containsEntry("cuGraphLaunch", 1L);
              assertThat(step.cudaCalls().keySet()).noneMatch(name -> name.contains("Synchron"));
              assertThat(step.cudaCallsInAll()).isLessThanOrEqualTo(6);
            });
  }

  /** Sums have one order, whatever moves the bytes. */
  @ParameterizedTest
  @MethodSource
  @Tag("multigpu")
  void ncclBetweenGpusTrainsTheSameBitsAsPeerMemory(int ranks, int experts) throws Exception {
    String[] shape = {
      BF16,
      "schedule.steps=12",
      "parallelism.ranks=" + ranks,
      "parallelism.expert-parallel=" + experts,
      "backend.ranks-per-gpu=1"
    };
    RecordedRun peers = train("peers", NEVER, shape);
    RecordedRun nccl = train("nccl", NEVER, and(shape, "backend.interconnect=nccl"));
    RecordedRun shared = train("shared", NEVER, and(shape, "backend.ranks-per-gpu=" + ranks));

    assertThat(nccl.losses()).hasSize(12).isEqualTo(peers.losses());
    assertThat(nccl.validation()).isEqualTo(peers.validation());
    assertThat(shared.losses()).isEqualTo(peers.losses());
  }

  static List<Arguments> ncclBetweenGpusTrainsTheSameBitsAsPeerMemory() {
    int devices = Cuda.devices();
    assertThat(devices).as("devices, of which two are needed").isGreaterThanOrEqualTo(2);
    return Stream.of(new int[] {2, 1}, new int[] {2, 2}, new int[] {4, 2}, new int[] {4, 4})
        .filter(shape -> shape[0] <= devices)
        .map(shape -> Arguments.of(shape[0], shape[1]))
        .toList();
  }

  @Test
  void ncclIsRefusedWhereRanksShareAGpu() {
    assertThatThrownBy(() -> train("shared", NEVER, BF16, "backend.interconnect=nccl"))
        .isInstanceOf(AssertionError.class)
        .cause()
        .cause()
        .hasMessageContaining("4 ranks share a GPU")
        .hasMessageContaining("backend.ranks-per-gpu = 1");
  }

  /** The process lives on: it trains again. */
  @Test
  void aRankThatDiesEndsTheOthersWithinTheirPatience() throws Exception {
    String[] shape = {BF16, "schedule.steps=12", "spark.comm-timeout=10s"};
    assertThatThrownBy(() -> run("dead", NEVER, 2, shape))
        .isInstanceOf(AssertionError.class)
        .cause()
        .cause()
        .matches(
            cause ->
                cause instanceof CommException
                    || String.valueOf(cause.getMessage()).contains("no more batches"));

    assertThat(train("alive", NEVER, shape).losses()).hasSize(12);
  }

  @Test
  void aModelThatDoesNotFitSaysSoBeforeItIsAllocated() {
    assertThatThrownBy(
            () -> train("huge", NEVER, BF16, "model.hidden=1048576", "model.head-dim=64"))
        .isInstanceOf(AssertionError.class)
        .cause()
        .cause()
        .isInstanceOf(Backend.OutOfMemory.class)
        .hasMessageContaining("Memory plan of a rank: ")
        .hasMessageContaining("which 4 ranks share");
  }

  private static String[] and(String[] shape, String more) {
    String[] all = Arrays.copyOf(shape, shape.length + 1);
    all[shape.length] = more;
    return all;
  }

  private RecordedRun train(String name, long stopAfter, String... overrides) throws Exception {
    return run(name, stopAfter, -1, overrides);
  }

  /**
   * @param dies rank whose batches end after the fifth; -1 for none
   */
  private RecordedRun run(String name, long stopAfter, int dies, String... overrides) {
    List<String> all =
        new ArrayList<>(
            List.of("backend.kind=cuda", "schedule.warmup-steps=5", "checkpoint.every-steps=1000"));
    all.addAll(List.of(overrides));
    Settings settings = SettingsReader.preset("quickstart", all);
    RecordedRun recorded = new RecordedRun(stopAfter);
    int ranks = settings.parallelism().ranks();
    Ranks.run(
        ranks,
        transport -> {
          rank(settings, name, transport, recorded, transport.rank() == dies);
          return true;
        });
    return recorded;
  }

  private void rank(
      Settings settings, String name, Transport transport, RecordedRun recorded, boolean mortal) {
    RankContext context =
        new RankContext(
            transport, report -> report.deliver(recorded), recorded::stopRequested, "attempt");
    int length = settings.model().sequenceLength();
    try (RankDevice device = RankDevice.open(settings, transport)) {
      ModelSetup setup = ModelSetup.of(settings, CorpusSequences.VOCABULARY, CorpusSequences.END);
      device.planMemory(settings, setup);
      var experts = device.groups().experts();
      try (ModelState state =
          new ModelState(device.backend(), setup.model(), experts.rank(), experts.ranks())) {
        Evaluator evaluator =
            new Evaluator(
                setup,
                device,
                state,
                new CorpusSequences(length),
                16,
                settings.moe().tokenCapacity());
        Checkpoints files =
            new Checkpoints(new LocalCheckpointFiles(directory.resolve(name)), warning -> {});
        RankBatches.Share share =
            new RankBatches.Share(
                transport.rank(),
                transport.ranks(),
                settings.schedule().globalBatch(),
                settings.schedule().microBatch());
        new Trainer(
                settings,
                setup,
                device,
                context,
                new RunFacts(1, Double.NaN),
                state,
                new RunCheckpoints(
                    settings, device, context, files, new TrainingData("text", "bytes")),
                evaluator,
                device.lag())
            .run(
                first -> {
                  BatchSource batches =
                      RankBatches.open(new CorpusSequences(length), share, first, 2);
                  return mortal ? new Ending(batches) : batches;
                });
      }
    }
  }

  /** Batches that fail after the fifth. */
  private record Ending(BatchSource batches) implements BatchSource {
    @Override
    public long step() {
      return batches.step();
    }

    @Override
    public int[] next() {
      if (step() >= 5) {
        throw new IllegalStateException("no more batches");
      }
      return batches.next();
    }

    @Override
    public void giveBack(int[] batch) {
      batches.giveBack(batch);
    }

    @Override
    public void close() {
      batches.close();
    }
  }
}
