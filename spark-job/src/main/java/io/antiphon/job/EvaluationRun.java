package io.antiphon.job;

import io.antiphon.conf.Settings;
import io.antiphon.data.Corpus;
import io.antiphon.data.DataRequest;
import io.antiphon.data.Split;
import io.antiphon.data.etl.PreparedTokens;
import io.antiphon.data.etl.TokenEtl;
import io.antiphon.data.store.PackedStore;
import io.antiphon.data.store.StoreDirectory;
import io.antiphon.data.store.StoreLocation;
import io.antiphon.job.barrier.RankCall;
import io.antiphon.job.storage.CheckpointStorage;
import io.antiphon.run.RankFailure;
import io.antiphon.run.SavedRun;
import io.antiphon.train.Evaluation;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.apache.spark.sql.SparkSession;

/**
 * Measures the loss of a checkpoint in a barrier job, planned and safe from overflow as in
 * training: on the run's own validation split, or on the whole of another text.
 */
public final class EvaluationRun {
  private final SavedRun saved;
  private final Settings settings;
  private final boolean ownText;

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

  private EvaluationRun(SavedRun saved, Settings settings, boolean ownText) {
    this.saved = saved;
    this.settings = settings;
    this.ownText = ownText;
  }

  /**
   * An evaluation of a checkpoint of a run.
   *
   * @param step of the checkpoint; empty for the newest
   * @param ranks to compute on; empty for those that wrote the checkpoint
   * @param overrides of single keys; another source of data means another text
   * @throws io.antiphon.conf.ConfigException if there is no such checkpoint or the overrides do not
   *     fit
   */
  public static EvaluationRun of(
      Path runDirectory, OptionalLong step, OptionalInt ranks, List<String> overrides) {
    SavedRun saved = SavedRun.open(runDirectory, step, CheckpointStorage::open);
    Settings own = saved.settings(List.of());
    List<String> all = new ArrayList<>();
    all.add(RankOverrides.NO_CLUSTER);
    ranks.ifPresent(number -> all.addAll(RankOverrides.of(own, number)));
    all.addAll(overrides);
    Settings settings = saved.settings(all);
    Corpus ours = DataRequests.of(own, saved.runDirectory()).corpus();
    Corpus wanted = DataRequests.of(settings, saved.runDirectory()).corpus();
    return new EvaluationRun(saved, settings, ours.equals(wanted));
  }

  /**
   * Evaluates.
   *
   * @throws io.antiphon.data.DataException if the text cannot be used
   * @throws RankFailure if a rank failed
   */
  public Result run() throws InterruptedException {
    SparkSessions.requireDevices(settings, SparkSessions.properties(settings));
    SparkSession spark = SparkSessions.open(settings, Map.of());
    try {
      DataRequest request = request();
      StoreLocation store = store(spark, request);
      Split split = ownText ? Split.VALIDATION : Split.TRAIN;
      PackedStore.open(store, split).close(); // a missing split is found here
      EvaluateTask task =
          new EvaluateTask(
              settings, store, split, saved.checkpointDirectory(), saved.manifest().step());
      Evaluation evaluation = RankCall.run(spark, settings, task, message -> {});
      var part = store.manifest().part(split);
      return new Result(
          saved.manifest().step(),
          settings.parallelism().ranks(),
          request.corpus().setting() + " = " + request.corpus().location(),
          ownText ? "validation" : "all",
          part.sequences(),
          part.bytesPerToken(),
          evaluation,
          ruin(evaluation));
    } finally {
      spark.stop();
    }
  }

  /** The run's own text is in the store it was trained on, whatever became of the original. */
  private StoreLocation store(SparkSession spark, DataRequest request) {
    Optional<String> trainedOn =
        ownText && asTrained(request) ? saved.sequences() : Optional.empty();
    Optional<StoreLocation> kept =
        trainedOn.flatMap(
            sequences ->
                StoreDirectory.holding(
                    request.cacheDir(), sequences, spark.sparkContext().hadoopConfiguration()));
    if (kept.isPresent()) {
      return kept.get();
    }
    PreparedTokens prepared = TokenEtl.prepare(spark, request, 1);
    saved.requireTokenizer(prepared.tokenizer().meaning(), request.tokenizer());
    if (trainedOn.isPresent()) {
      saved.requireText(prepared.manifest().contentDigest(), request.corpus());
    }
    return prepared.location();
  }

  /** Overrides may ask for sequences that the run did not have. */
  private boolean asTrained(DataRequest request) {
    DataRequest own = DataRequests.of(saved.settings(List.of()), saved.runDirectory());
    return request.validationFraction() == own.validationFraction()
        && request.sequenceLength() == own.sequenceLength()
        && request.seed() == own.seed()
        && request.specialTokensInText() == own.specialTokensInText();
  }

  private Optional<String> ruin(Evaluation evaluation) {
    double loss = evaluation.metrics().loss();
    return Double.isFinite(loss)
        ? saved.ruin()
        : Optional.of(
            "the model in the checkpoint of step %d is ruined: its loss is %s; %s"
                .formatted(saved.manifest().step(), loss, saved.remedy()));
  }

  /** Of another text nothing is kept back: all of it is evaluated. */
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
