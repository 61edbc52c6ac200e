package io.antiphon.job;

import io.antiphon.conf.Settings;
import io.antiphon.data.files.HadoopPath;
import io.antiphon.data.tokenizer.TokenizerDescription;
import io.antiphon.job.barrier.GpuAddress;
import io.antiphon.job.barrier.RankCall;
import io.antiphon.job.barrier.RankSeat;
import io.antiphon.job.storage.CheckpointStorage;
import io.antiphon.run.RankFailure;
import io.antiphon.run.SavedRun;
import io.antiphon.train.RankDevice;
import io.antiphon.train.RuinedModel;
import io.antiphon.transport.ThreadTransport;
import io.antiphon.transport.Transport;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.function.Consumer;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;

/**
 * Continues a text with the model of a checkpoint. One rank holds every expert, so there is nothing
 * to plan, and needs no Spark; several ranks run as a barrier job, planned and safe from overflow
 * as in training.
 */
public final class GenerationRun {
  private final SavedRun saved;
  private final Settings settings;

  /**
   * What to generate.
   *
   * @param prompt text to continue; empty starts a new document
   * @param tokens at most so many are generated
   * @param temperature divides the logits; 0 takes the most likely token
   * @param topP in (0, 1]: mass of the most likely tokens to choose from
   * @param seed of the draws
   */
  public record Request(String prompt, int tokens, double temperature, double topP, long seed)
      implements Serializable {}

  private GenerationRun(SavedRun saved, Settings settings) {
    this.saved = saved;
    this.settings = settings;
  }

  /**
   * A generation from a checkpoint of a run.
   *
   * @param step of the checkpoint; empty for the newest
   * @param overrides of single keys
   * @throws io.antiphon.conf.ConfigException if there is no such checkpoint or the overrides do not
   *     fit
   */
  public static GenerationRun of(
      Path runDirectory, OptionalLong step, int ranks, List<String> overrides) {
    SavedRun saved = SavedRun.open(runDirectory, step, CheckpointStorage::open);
    List<String> all = new ArrayList<>(RankOverrides.of(saved.settings(List.of()), ranks));
    all.add(RankOverrides.NO_CLUSTER);
    all.addAll(overrides);
    return new GenerationRun(saved, saved.settings(all));
  }

  /** Why the text of this checkpoint is worth nothing, for the user; empty if it may be. */
  public Optional<String> ruin() {
    return saved.ruin();
  }

  /**
   * Generates text after a prompt; equal requests give equal texts.
   *
   * @param out takes the text piece by piece, in whole characters, the prompt not included
   * @return how many tokens were generated; fewer than asked if the text came to its end
   * @throws RuinedModel if the model gives no finite numbers, on one rank
   * @throws io.antiphon.data.DataException if the tokenizer is gone
   * @throws RankFailure if a rank failed
   */
  public int generate(Request request, Consumer<String> out) throws InterruptedException {
    RankDevice.requireAvailable(settings);
    String tokenizer = saved.tokenizer(settings);
    TokenizerDescription description =
        TokenizerDescription.read(
            tokenizer,
            settings.data().endOfText(),
            settings.data().specialTokensInText(),
            HadoopPath.opener(new Configuration()));
    saved.requireTokenizer(description.meaning(), tokenizer);
    GenerateTask task =
        new GenerateTask(
            settings,
            description,
            saved.checkpointDirectory(),
            saved.manifest().step(),
            saved.remedy(),
            request);
    Consumer<Serializable> pieces = piece -> out.accept((String) piece);
    if (settings.parallelism().ranks() == 1) {
      try (Transport alone = ThreadTransport.group(1, settings.spark().commTimeout()).get(0)) {
        return task.call(
            new RankSeat(
                alone,
                UUID.randomUUID().toString(),
                () -> false,
                pieces,
                GpuAddress.alone(),
                cancelled -> {}));
      }
    }
    SparkSession spark = SparkSessions.open(settings, Map.of());
    try {
      return RankCall.run(spark, settings, task, pieces);
    } finally {
      spark.stop();
    }
  }
}
