package io.antiphon.data.etl;

import io.antiphon.data.DataException;
import io.antiphon.data.DataRequest;
import io.antiphon.data.Sha256;
import io.antiphon.data.Split;
import io.antiphon.data.files.Failures;
import io.antiphon.data.files.HadoopPath;
import io.antiphon.data.store.ShardFormat;
import io.antiphon.data.store.StoreDirectory;
import io.antiphon.data.store.StoreLocation;
import io.antiphon.data.store.StoreManifest;
import io.antiphon.data.text.CorpusReader;
import io.antiphon.data.text.InputFile;
import io.antiphon.data.text.ReadReport;
import io.antiphon.data.tokenizer.TokenizerDescription;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes a packed token store of a corpus, with Spark SQL.
 *
 * <p>Texts are tokenised once, where they are read; one shuffle brings the documents into the order
 * of their keys; counts per partition tell the driver where each partition's tokens begin; a second
 * shuffle, of fixed-length sequences, brings those into their random order, in which they are
 * written. Nothing but counts reaches the driver. The result depends on the texts and the request
 * only: not on files, formats, partitions or executors.
 */
public final class TokenEtl {
  private static final Logger LOG = LoggerFactory.getLogger(TokenEtl.class);

  private final SparkSession spark;
  private final DataRequest request;
  private final TokenizerDescription tokenizer;
  private final CorpusReader corpus;
  private final String fingerprint;
  private final StoreDirectory directory;

  private TokenEtl(
      SparkSession spark,
      DataRequest request,
      TokenizerDescription tokenizer,
      CorpusReader corpus,
      String fingerprint,
      StoreDirectory directory) {
    this.spark = spark;
    this.request = request;
    this.tokenizer = tokenizer;
    this.corpus = corpus;
    this.fingerprint = fingerprint;
    this.directory = directory;
  }

  /**
   * Builds the store that was asked for, or finds it in the cache directory.
   *
   * @param ranks of the run; the training split must have a sequence for each
   * @throws DataException if the corpus cannot be used; its message says why and what to change
   */
  public static PreparedTokens prepare(SparkSession spark, DataRequest request, int ranks) {
    return prepare(spark, request, ranks, 0);
  }

  /** Does the above with the documents in a given number of partitions; 0 chooses one. */
  static PreparedTokens prepare(
      SparkSession spark, DataRequest request, int ranks, int partitions) {
    long start = System.nanoTime();
    Configuration configuration = spark.sparkContext().hadoopConfiguration();
    TokenizerDescription tokenizer =
        TokenizerDescription.read(
            request.tokenizer(),
            request.endOfText(),
            request.specialTokensInText(),
            HadoopPath.opener(configuration));
    CorpusReader corpus = CorpusReader.open(spark, request.corpus(), request.cacheDir());
    String fingerprint = fingerprint(request, tokenizer, corpus.files());
    StoreDirectory directory = new StoreDirectory(request.cacheDir(), fingerprint, configuration);
    // What a view or a database holds now can only be known by reading it.
    Optional<StoreManifest> existing =
        corpus.files().isPresent() ? directory.existing() : Optional.empty();
    StoreManifest manifest;
    if (existing.isPresent()) {
      manifest = existing.get();
    } else {
      directory.requireWritable();
      TokenEtl etl = new TokenEtl(spark, request, tokenizer, corpus, fingerprint, directory);
      String doing = request.corpus().setting() + ": packing '" + request.corpus().location() + "'";
      manifest =
          Failures.explained(
              doing, () -> etl.build(partitions > 0 ? partitions : corpus.partitions()));
    }
    requireEnough(manifest, ranks);
    Duration elapsed = Duration.ofNanos(System.nanoTime() - start);
    log(manifest, directory.location(), existing.isPresent(), elapsed);
    return new PreparedTokens(
        directory.location(), manifest, tokenizer, existing.isPresent(), elapsed);
  }

  private StoreManifest build(int partitions) {
    JavaRDD<Row> sorted =
        TokenRows.of(corpus, tokenizer, partitions)
            .repartitionById(partitions + 1, functions.col("target"))
            .sortWithinPartitions("target", "high", "low", "segment")
            .javaRDD(); // one RDD for both jobs below: the second reuses the shuffled rows
    ShardFormat format = ShardFormat.of(tokenizer.vocabulary(), request.sequenceLength());
    List<SplitRule> rules = SplitChoice.candidates(request);
    List<PartitionCounts> counted =
        sorted
            .mapPartitionsWithIndex(
                (partition, rows) ->
                    List.of(PartitionCounts.of(rows, partitions, rules, format.tokenBytes()))
                        .iterator(),
                false)
            .collect();
    ReadReport report = new ReadReport();
    counted.forEach(partition -> report.add(partition.report()));
    corpus.requireUsable(report, spark.sparkContext().hadoopConfiguration());
    int chosen = SplitChoice.choose(rules, totals(counted, rules.size()));
    SplitRule rule = rules.get(chosen);
    List<SplitCounts> counts = counted.stream().map(of -> of.counts().get(chosen)).toList();
    requireSequences(rule, counts);
    PackingPlan plan = PackingPlan.of(format, tokenizer.endOfText(), rule, counts);
    List<Row> shards = write(sorted, partitions, plan);
    StoreManifest manifest = manifest(plan, counts, report, shards);
    directory.commit(manifest);
    return manifest;
  }

  private List<Row> write(JavaRDD<Row> sorted, int partitions, PackingPlan plan) {
    JavaRDD<Row> packed =
        sorted.mapPartitionsWithIndex(
            (partition, rows) ->
                new FragmentRows(
                    StoredDocument.of(PartitionCounts.documents(rows, partitions)),
                    plan,
                    partition),
            false);
    Dataset<Row> fragments =
        spark
            .createDataFrame(packed, FragmentRows.SCHEMA)
            .repartitionById(plan.shards(), functions.col("shard"))
            .sortWithinPartitions("shard", "position", "first");
    StoreLocation location = directory.location();
    MapPartitionsFunction<Row, Row> write = rows -> new ShardRows(location, plan).write(rows);
    List<Row> shards =
        new ArrayList<>(
            fragments.mapPartitions(write, Encoders.row(ShardRows.SCHEMA)).collectAsList());
    shards.sort((left, right) -> Integer.compare(left.getInt(0), right.getInt(0)));
    return shards;
  }

  private StoreManifest manifest(
      PackingPlan plan, List<SplitCounts> counts, ReadReport report, List<Row> shards) {
    SplitCounts all = counts.stream().reduce(SplitCounts.NOTHING, SplitCounts::plus);
    if (report.replacedTexts() > 0) {
      LOG.warn(
          "{} texts hold the Unicode replacement character: some of the input may not be UTF-8",
          report.replacedTexts());
    }
    if (report.spellingTexts() > 0) {
      LOG.warn(
          "{} of {} documents spell special tokens of {}, which {} (data.special-tokens-in-text ="
              + " {})",
          report.spellingTexts(),
          report.documents(),
          tokenizer.label(),
          tokenizer.specialTokensInText() ? "became these tokens" : "stayed text",
          tokenizer.specialTokensInText());
    }
    return new StoreManifest(
        StoreManifest.FORMAT,
        ShardFormat.VERSION,
        fingerprint,
        request.corpus().setting() + " = " + request.corpus().location(),
        tokenizer.label(),
        plan.format().vocabulary(),
        plan.endOfText(),
        request.sequenceLength(),
        request.seed(),
        plan.rule().inWords(),
        report.documents(),
        report.nullTexts(),
        report.emptyTexts(),
        part(Split.TRAIN, plan, all, shards),
        part(Split.VALIDATION, plan, all, shards));
  }

  private static StoreManifest.Part part(
      Split split, PackingPlan plan, SplitCounts all, List<Row> rows) {
    SplitCounts.Part counts = all.part(split);
    long sequences = plan.layout(split).sequences();
    long used = sequences == 0 ? 0 : sequences * plan.format().sequenceLength() + 1;
    List<StoreManifest.Shard> shards = new ArrayList<>();
    for (Row row : rows) {
      if (plan.splitOf(row.getInt(0)) == split) {
        shards.add(
            new StoreManifest.Shard(
                row.getString(1), row.getLong(2), row.getLong(3), row.getString(4)));
      }
    }
    return new StoreManifest.Part(
        counts.pieces(),
        counts.textBytes(),
        counts.tokens(),
        sequences,
        counts.tokens() - used,
        shards);
  }

  private static List<SplitCounts> totals(List<PartitionCounts> partitions, int rules) {
    List<SplitCounts> totals = new ArrayList<>();
    for (int rule = 0; rule < rules; rule++) {
      SplitCounts total = SplitCounts.NOTHING;
      for (PartitionCounts partition : partitions) {
        total = total.plus(partition.counts().get(rule));
      }
      totals.add(total);
    }
    return totals;
  }

  private void requireSequences(SplitRule rule, List<SplitCounts> counts) {
    SplitCounts all = counts.stream().reduce(SplitCounts.NOTHING, SplitCounts::plus);
    int length = request.sequenceLength();
    long train = all.train().sequences(length);
    long validation = all.validation().sequences(length);
    long tokens = all.train().tokens() + all.validation().tokens();
    if (rule.fraction() > 0 && Math.min(train, validation) < 1 && tokens > 2L * length + 1) {
      throw new DataException(
          request.corpus().setting()
              + ": '"
              + request.corpus().location()
              + "' cannot be split: it has tokens enough, "
              + tokens
              + ", but equal documents go to the same side, and too few differ. Add different text,"
              + " or set data.validation-fraction = 0, which keeps nothing for validation");
    }
    if (train < 1 || (rule.fraction() > 0 && validation < 1)) {
      throw new DataException(
          request.corpus().setting()
              + ": '"
              + request.corpus().location()
              + "' is too small: "
              + tokens
              + " tokens make "
              + train
              + " training and "
              + validation
              + " validation sequences of "
              + (length + 1)
              + " tokens, at least one of each is needed. Add text, or lower"
              + " model.sequence-length (now "
              + length
              + ")");
    }
  }

  private static void requireEnough(StoreManifest manifest, int ranks) {
    long sequences = manifest.train().sequences();
    if (sequences < ranks) {
      throw new DataException(
          manifest.source()
              + " gives "
              + sequences
              + " training sequences of "
              + (manifest.sequenceLength() + 1)
              + " tokens, fewer than the "
              + ranks
              + " ranks. Add text, or lower parallelism.ranks or model.sequence-length (now "
              + manifest.sequenceLength()
              + ")");
    }
  }

  private static String fingerprint(
      DataRequest request, TokenizerDescription tokenizer, Optional<List<InputFile>> files) {
    StringBuilder identity = new StringBuilder();
    identity.append(StoreManifest.FORMAT).append(' ').append(ShardFormat.VERSION);
    identity.append('\n').append(request.corpus());
    identity.append('\n').append(tokenizer.fingerprint());
    identity.append('\n').append(request.validationFraction());
    identity.append('\n').append(request.sequenceLength());
    identity.append('\n').append(request.seed());
    for (InputFile file : files.orElse(List.of())) {
      identity.append('\n').append(file);
    }
    return Sha256.hex(identity.toString().getBytes(StandardCharsets.UTF_8));
  }

  private static void log(
      StoreManifest manifest, StoreLocation location, boolean reused, Duration elapsed) {
    LOG.info(
        "{} token store {} of {}: {} documents ({} null and {} empty ones skipped), {}; {} ms",
        reused ? "Reusing" : "Built",
        location.directory(),
        manifest.tokenizer(),
        manifest.documents(),
        manifest.nullTexts(),
        manifest.emptyTexts(),
        manifest.splitRule(),
        elapsed.toMillis());
    for (Split split : Split.values()) {
      StoreManifest.Part part = manifest.part(split);
      LOG.info(
          "{}: {} sequences of {} tokens from {} tokens, {} bytes of text ({} per token); the last"
              + " {} tokens do not fill a sequence and are dropped",
          split.label(),
          part.sequences(),
          manifest.sequenceLength() + 1,
          part.tokens(),
          part.textBytes(),
          String.format(Locale.ROOT, "%.3f", part.bytesPerToken()),
          part.droppedTokens());
    }
  }
}
