package io.antiphon.run;

import io.antiphon.conf.Settings;
import io.antiphon.data.Corpus;
import io.antiphon.data.DataRequest;
import io.antiphon.data.Split;
import io.antiphon.train.Evaluation;
import io.antiphon.train.report.RunReports;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * Measures the loss of a checkpoint, planned and safe from overflow as in training: on the run's
 * own validation split, or on the whole of another text.
 */
public final class EvaluationRun {
  private final SavedRun saved;
  private final Settings settings;
  private final boolean ownText;
  private final HostProvider hosts;

  /**
   * What was measured.
   *
   * @param step of the checkpoint
   * @param ranks that computed
   * @param text key and location of the text, such as {@code data.text = books}
   * @param split of the text that was evaluated
   * @param available sequences of that split
   * @param bytesPerToken mean UTF-8 bytes of text per token of that split
   * @param evaluation the loss and the loads
   * @param ruin why the model is ruined, for the user; empty if it is not
   */
  public record Result(
      long step,
      int ranks,
      String text,
      String split,
      long available,
      double bytesPerToken,
      Evaluation evaluation,
      Optional<String> ruin) {
    /** The loss in bits per byte of text. */
    public double bitsPerByte() {
      return evaluation.metrics().loss() / bytesPerToken / Math.log(2);
    }

    /** {@code e} to the loss: among how many equally likely tokens the model hesitates. */
    public double perplexity() {
      return Math.exp(evaluation.metrics().loss());
    }
  }

  private EvaluationRun(SavedRun saved, Settings settings, boolean ownText, HostProvider hosts) {
    this.saved = saved;
    this.settings = settings;
    this.ownText = ownText;
    this.hosts = hosts;
  }

  /**
   * An evaluation of a checkpoint of a run.
   *
   * @param step of the checkpoint; empty for the newest
   * @param ranks to compute on; empty for those that wrote the checkpoint
   * @param overrides of single keys; another source of data means another text
   * @param hosts where the ranks run
   * @throws io.antiphon.conf.ConfigException if there is no such checkpoint or the overrides do not
   *     fit
   */
  public static EvaluationRun of(
      Path runDirectory,
      OptionalLong step,
      OptionalInt ranks,
      List<String> overrides,
      HostProvider hosts) {
    SavedRun saved = SavedRun.open(runDirectory, step, hosts.checkpoints());
    Settings own = saved.settings(List.of());
    List<String> all = new ArrayList<>();
    all.add(RankOverrides.NO_CLUSTER);
    ranks.ifPresent(number -> all.addAll(RankOverrides.of(own, number)));
    all.addAll(overrides);
    Settings settings = saved.settings(all);
    Corpus ours = DataRequests.of(own, saved.runDirectory()).corpus();
    Corpus wanted = DataRequests.of(settings, saved.runDirectory()).corpus();
    return new EvaluationRun(saved, settings, ours.equals(wanted), hosts);
  }

  /**
   * Evaluates.
   *
   * @throws io.antiphon.data.DataException if the text cannot be used
   * @throws RankFailure if a rank failed
   */
  public Result run() throws InterruptedException {
    try (RunHost host = hosts.open(settings, saved.runDirectory(), line -> {})) {
      host.awaitPlaces(settings);
      DataRequest request = request();
      RunText text = text(host, request);
      Split split = ownText ? Split.VALIDATION : Split.TRAIN;
      text.open(split).close(); // a missing split is found here
      EvaluateTask task =
          new EvaluateTask(
              settings,
              text,
              split,
              host.checkpoints(saved.checkpointDirectory()),
              saved.manifest().step());
      Evaluation evaluation = host.call(settings, task, RunReports.NONE, () -> false);
      return new Result(
          saved.manifest().step(),
          settings.parallelism().ranks(),
          request.corpus().setting() + " = " + request.corpus().location(),
          ownText ? "validation" : "all",
          text.sequences(split),
          text.bytesPerToken(split),
          evaluation,
          ruin(evaluation));
    }
  }

  private Optional<String> ruin(Evaluation evaluation) {
    double loss = evaluation.metrics().loss();
    return Double.isFinite(loss)
        ? saved.ruin()
        : Optional.of(
            "the model in the checkpoint of step %d is ruined: its loss is %s; %s"
                .formatted(saved.manifest().step(), loss, saved.remedy()));
  }

  /** The run's own text may be where the run left it, whatever became of the original. */
  private RunText text(RunHost host, DataRequest request) throws InterruptedException {
    Optional<String> trainedOn =
        ownText && asTrained(request) ? saved.sequences() : Optional.empty();
    Optional<RunText> kept = trainedOn.flatMap(sequences -> host.kept(request, sequences));
    if (kept.isPresent()) {
      return kept.get();
    }
    PreparedText prepared = host.text(request, 1);
    saved.requireTokenizer(prepared.identity().tokenizer(), request.tokenizer());
    if (trainedOn.isPresent()) {
      saved.requireText(prepared.identity().sequences(), request.corpus());
    }
    return prepared.text();
  }

  /** Overrides may ask for sequences that the run did not have. */
  private boolean asTrained(DataRequest request) {
    DataRequest own = DataRequests.of(saved.settings(List.of()), saved.runDirectory());
    return request.validationFraction() == own.validationFraction()
        && request.sequenceLength() == own.sequenceLength()
        && request.seed() == own.seed()
        && request.specialTokensInText() == own.specialTokensInText();
  }

  /** Reads another text, of which nothing is kept back: all of it is evaluated. */
  private DataRequest request() {
    DataRequest request = DataRequests.of(settings, saved.runDirectory());
    return new DataRequest(
        request.corpus(),
        saved.tokenizer(settings),
        request.endOfText(),
        request.specialTokensInText(),
        ownText ? request.validationFraction() : 0,
        request.cacheDir(),
        request.sequenceLength(),
        request.seed());
  }
}
