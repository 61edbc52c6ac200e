package io.antiphon.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.antiphon.conf.Settings;
import io.antiphon.conf.SettingsReader;
import io.antiphon.data.Split;
import io.antiphon.data.tokenizer.TokenizerDescription;
import io.antiphon.data.tokenizer.Vocabulary;
import io.antiphon.tensor.CommException;
import io.antiphon.train.DevicePlace;
import io.antiphon.train.RankDevice;
import io.antiphon.train.RunFacts;
import io.antiphon.train.TrainingData;
import io.antiphon.train.checkpoint.CheckpointException;
import io.antiphon.transport.ThreadTransport;
import io.antiphon.transport.Transport;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What surrounds the work of a rank, whatever that is: training, evaluation or generation. */
class RankWorkTest {
  private static final Duration LIMIT = Duration.ofSeconds(30);

  private static final Settings SETTINGS =
      SettingsReader.preset(
          "quickstart",
          List.of(
              "parallelism.ranks=2",
              "parallelism.expert-parallel=1",
              "model.layers=1",
              "model.hidden=16",
              "model.sequence-length=16",
              "backend.kind=cpu-f64"));

  private final List<Consumer<String>> cancelled = new ArrayList<>();

  private static List<RankTask<?>> all(Path directory) {
    CheckpointPlace nowhere =
        new CheckpointPlace(directory.resolve("none").toString(), LocalCheckpoints::open);
    RunText text = LocalText.read(DataRequests.of(SETTINGS, directory), 1).text();
    return List.of(
        new TrainTask(
            SETTINGS,
            text,
            new TrainingData("text", "bytes"),
            new CheckpointPlace(
                "none",
                place -> {
                  throw new CheckpointException("no checkpoints at " + place);
                }),
            new RunFacts(1, Double.NaN)),
        new EvaluateTask(SETTINGS, text, Split.VALIDATION, nowhere, 7),
        new GenerateTask(
            SETTINGS,
            new TokenizerDescription.Bytes(),
            nowhere,
            7,
            "",
            new GenerationRun.Request("", 1, 0, 1, 1)));
  }

  static List<Integer> tasks() {
    return List.of(0, 1, 2);
  }

  /** Evaluation and generation once did neither: peers waited for the transport's limit. */
  @ParameterizedTest
  @MethodSource("tasks")
  void everyTaskIsTiedToItsCancellationAndTellsItsPeersOfAFailure(
      int number, @TempDir Path directory) {
    RankTask<?> task = all(directory).get(number);
    List<Transport> group = ThreadTransport.group(2, LIMIT);

    assertThatThrownBy(() -> task.call(seat(group.get(1)))).isInstanceOf(CheckpointException.class);

    assertThat(cancelled).as("told of a cancellation").hasSize(1);
    assertThatThrownBy(() -> group.get(0).receive(1))
        .isInstanceOf(CommException.class)
        .hasMessageContaining("rank 1 failed: ");
  }

  @Test
  void whatWaitsOnTheDeviceIsGivenUpWhenTheRankIsCancelledOrFails() {
    List<String> order = new ArrayList<>();
    Transport transport = ThreadTransport.group(1, LIMIT).get(0);
    RankDevice real = RankDevice.open(SETTINGS, transport);
    RankDevice fake = new RankDevice(real.backend(), real.groups(), 1, order::add);

    assertThatThrownBy(
            () ->
                RankWork.run(
                    SETTINGS,
                    seat(transport),
                    new Vocabulary(257, 256),
                    () -> fake,
                    work -> {
                      cancelled.forEach(one -> one.accept("cancelled"));
                      throw new IllegalStateException("no luck");
                    }))
        .hasMessage("no luck");
    assertThat(order).containsExactly("cancelled", "rank 0 failed: no luck");
  }

  private RankSeat seat(Transport transport) {
    return new RankSeat(
        transport,
        "attempt",
        () -> false,
        report -> {},
        settings -> DevicePlace.onThisMachine(settings, 0, 1),
        cancelled::add);
  }
}
