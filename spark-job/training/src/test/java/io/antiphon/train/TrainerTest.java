package io.antiphon.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.antiphon.conf.Settings;
import io.antiphon.conf.SettingsReader;
import io.antiphon.model.ModelState;
import io.antiphon.train.checkpoint.Checkpoints;
import io.antiphon.train.checkpoint.LocalCheckpointFiles;
import io.antiphon.train.report.LayerLoad;
import io.antiphon.train.report.RoutedCounts;
import io.antiphon.train.report.StepMetrics;
import io.antiphon.transport.Ranks;
import io.antiphon.transport.Transport;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The loop around the step, over ranks as threads: overflow and rerun, interruption and resume. */
class TrainerTest {
  private static final long NEVER = RecordedRun.NEVER;

  @TempDir Path directory = Path.of("");

  @ParameterizedTest
  @ValueSource(ints = {0, 2})
  void aCapacityThatIsTooSmallCostsRerunsAndNothingElse(int lag) throws Exception {
    RecordedRun ample = train("ample", 4, lag, NEVER, "moe.token-capacity=4");
    RecordedRun tight = train("tight", 4, lag, NEVER, "moe.token-capacity=1");

    assertThat(tight.reruns()).as("reruns").isPositive();
    assertThat(ample.reruns()).isZero();
    assertThat(tight.losses()).isEqualTo(ample.losses());
    assertThat(tight.validation()).isEqualTo(ample.validation());
  }

  /** Reruns included: a step that ran twice is told once. */
  @ParameterizedTest
  @ValueSource(ints = {0, 2})
  void recordedRoutingIsWhatTheMetricsSayAndChangesNoBit(int lag) throws Exception {
    String[] shape = {
      "schedule.micro-batch=1",
      "moe.token-capacity=1",
      "moe.echo.enabled=false",
      "parallelism.expert-parallel=2"
    };
    RecordedRun plain = train("plain", 4, lag, NEVER, shape);
    String[] recording = Arrays.copyOf(shape, shape.length + 1);
    recording[shape.length] = "monitor.record-routing=routing";
    RecordedRun recorded = train("recorded", 4, lag, NEVER, recording);

    assertThat(recorded.losses()).isEqualTo(plain.losses());
    assertThat(recorded.reruns()).as("reruns").isPositive();
    assertThat(plain.routed()).isEmpty();
    Iterator<RoutedCounts> routed = recorded.routed().iterator();
    for (StepMetrics step : recorded.steps()) {
      for (LayerLoad load : step.layers()) {
        long[] experts = new long[8];
        for (int group = 0; group < 2; group++) {
          RoutedCounts counts = routed.next();
          assertThat(counts.step()).isEqualTo(step.step());
          assertThat(counts.layer()).isEqualTo(load.layer());
          assertThat(counts.group()).isEqualTo(group);
          assertThat(counts.counts()).hasNumberOfRows(2);
          for (int[] matrix : counts.counts()) {
            assertThat(IntStream.of(matrix).sum()).isEqualTo(2 * 16 * 2); // ranks, tokens, top-k
            for (int i = 0; i < matrix.length; i++) {
              experts[i % 8] += matrix[i];
            }
          }
        }
        assertThat(experts).isEqualTo(load.expertCounts());
      }
    }
    assertThat(routed.hasNext()).isFalse();
  }

  @Test
  void aResumedRunHasTheBitsOfAnUninterruptedOne() throws Exception {
    RecordedRun whole = train("whole", 4, 0, NEVER);
    RecordedRun first = train("parts", 4, 0, 5);
    RecordedRun rest = train("parts", 4, 0, NEVER);

    assertThat(first.losses()).hasSizeBetween(5, 6);
    List<Double> joined = new ArrayList<>(first.losses());
    joined.addAll(rest.losses());
    assertThat(joined).isEqualTo(whole.losses());
    assertThat(rest.validation()).isEqualTo(whole.validation());
  }

  /** Slots belong to a step: what they held before an overflow or an interruption is not used. */
  @Test
  void reusedClonesOutliveNeitherRerunsNorResumes() throws Exception {
    RecordedRun whole = train("reuse", 4, 0, NEVER, reusing("moe.token-capacity=4"));
    RecordedRun tight = train("reuse-tight", 4, 2, NEVER, reusing("moe.token-capacity=1"));
    RecordedRun first = train("reuse-parts", 4, 0, 5, reusing("moe.token-capacity=4"));
    RecordedRun rest = train("reuse-parts", 4, 0, NEVER, reusing("moe.token-capacity=4"));
    List<Double> joined = new ArrayList<>(first.losses());
    joined.addAll(rest.losses());

    assertThat(whole.weightBytesSaved()).isPositive();
    assertThat(tight.reruns()).as("reruns").isPositive();
    assertThat(tight.losses()).isEqualTo(whole.losses());
    assertThat(tight.weightBytesSaved()).isEqualTo(whole.weightBytesSaved());
    assertThat(joined).isEqualTo(whole.losses());
    assertThat(rest.validation()).isEqualTo(whole.validation());
  }

  private static String[] reusing(String capacity) {
    return new String[] {
      capacity,
      "moe.echo.planner=balanced",
      "moe.echo.reuse-clones=true",
      "moe.echo.slots-per-rank=2",
      "moe.echo.tolerance=0.2", // leaves loads above the tight capacity
      "schedule.micro-batch=1"
    };
  }

  /**
   * Another number of ranks changes the order of sums: 64 roundings of fp32 relative to the loss.
   */
  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void aRunResumesOnAnotherNumberOfRanks(int ranks) throws Exception {
    RecordedRun whole = train("whole" + ranks, 4, 0, NEVER);
    RecordedRun first = train("reshard" + ranks, 4, 0, 5);
    RecordedRun rest = train("reshard" + ranks, ranks, 0, NEVER);

    int done = first.losses().size();
    assertThat(rest.losses()).hasSize(whole.losses().size() - done);
    for (int i = 0; i < rest.losses().size(); i++) {
      double expected = whole.losses().get(done + i);
      assertThat(rest.losses().get(i)).isCloseTo(expected, within(64 * Math.ulp(1f) * expected));
    }
  }

  private RecordedRun train(String name, int ranks, int lag, long stopAfter, String... overrides)
      throws Exception {
    List<String> all = new ArrayList<>(List.of(overrides));
    all.add("parallelism.ranks=" + ranks);
    if (!all.contains("parallelism.expert-parallel=2")) {
      all.add("parallelism.expert-parallel=" + ranks);
    }
    Settings settings = SettingsReader.text("test", SETTINGS, all);
    RecordedRun recorded = new RecordedRun(stopAfter);
    List<TrainingResult> results =
        Ranks.run(ranks, transport -> rank(settings, name, transport, recorded, lag));
    assertThat(results).allMatch(result -> result.interrupted() == (stopAfter != NEVER));
    return recorded;
  }

  private TrainingResult rank(
      Settings settings, String name, Transport transport, RecordedRun recorded, int lag) {
    RankContext context =
        new RankContext(
            transport,
            report -> report.deliver(recorded),
            recorded::stopRequested,
            "attempt-" + settings.name());
    try (RankDevice device = RankDevice.open(settings, transport)) {
      ModelSetup setup = ModelSetup.of(settings, SyntheticText.VOCABULARY, SyntheticText.END);
      var experts = device.groups().experts();
      try (ModelState state =
          new ModelState(device.backend(), setup.model(), experts.rank(), experts.ranks())) {
        double capacity = settings.moe().tokenCapacity();
        Evaluator evaluator =
            new Evaluator(setup, device, state, new SyntheticText(77), 10, capacity);
        Checkpoints files =
            new Checkpoints(new LocalCheckpointFiles(directory.resolve(name)), warning -> {});
        RunCheckpoints checkpoints =
            new RunCheckpoints(settings, device, context, files, new TrainingData("text", "bytes"));
        RunFacts facts = new RunFacts(1, Double.NaN);
        RankBatches.Share share =
            new RankBatches.Share(
                transport.rank(),
                transport.ranks(),
                settings.schedule().globalBatch(),
                settings.schedule().microBatch());
        return new Trainer(
                settings, setup, device, context, facts, state, checkpoints, evaluator, lag)
            .run(first -> RankBatches.open(new SyntheticText(5), share, first, 2));
      }
    }
  }

  private static final String SETTINGS =
      """
      name = test
      model { layers = 2, hidden = 16, attention-heads = 4, key-value-heads = 2, sequence-length = 16 }
      moe { experts = 8, top-k = 2, expert-ffn = 12, router-skew = 1.5
            echo { slots-per-rank = 1, planner = bin-packing } }
      data.text = "classpath:corpus"
      optimizer.learning-rate = 1e-2
      schedule { steps = 12, warmup-steps = 2, global-batch = 8, micro-batch = 2 }
      parallelism { ranks = 4, expert-parallel = 4 }
      backend.kind = cpu
      """;
}
