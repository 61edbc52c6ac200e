package io.antiphon.data.text;

import io.antiphon.data.Corpus;
import io.antiphon.data.DataException;
import io.antiphon.data.files.Failures;
import io.antiphon.data.files.HadoopPath;
import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.util.SerializableConfiguration;

/** A corpus found: the files it consists of, and its texts. */
public final class CorpusReader {
  private static final long BYTES_PER_PARTITION = 32L << 20;
  private static final int MAX_PARTITIONS = 10_000;
  private static final Pattern QUERY =
      Pattern.compile("^(select|with|from|values|table|\\()", Pattern.CASE_INSENSITIVE);
  private static final StructType SLICE =
      new StructType()
          .add("path", DataTypes.StringType, false)
          .add("start", DataTypes.LongType, false)
          .add("end", DataTypes.LongType, false);

  /** Texts of one task from the rows it is given. */
  public interface Texts extends Serializable {
    Iterator<RawText> of(Iterator<Row> rows);
  }

  private final Corpus corpus;
  private final Optional<List<InputFile>> files;
  private final Dataset<Row> rows;
  private final Texts texts;
  private final int partitions;

  private CorpusReader(
      Corpus corpus,
      Optional<List<InputFile>> files,
      Dataset<Row> rows,
      Texts texts,
      int partitions) {
    this.corpus = corpus;
    this.files = files;
    this.rows = rows;
    this.texts = texts;
    this.partitions = partitions;
  }

  /**
   * Finds the files, or analyses the query, without reading any text.
   *
   * @throws DataException if there is nothing of that name, or no string column to read
   */
  public static CorpusReader open(SparkSession spark, Corpus corpus, String cacheDir) {
    Configuration configuration = spark.sparkContext().hadoopConfiguration();
    if (corpus instanceof Corpus.TextFiles text) {
      return ofText(spark, text, cacheDir);
    }
    if (corpus instanceof Corpus.JsonLines json) {
      return ofJson(spark, json);
    }
    String of = corpus.setting() + ": reading '" + corpus.location() + "'";
    if (corpus instanceof Corpus.ParquetFiles parquet) {
      List<String> paths = new ArrayList<>();
      for (FileStatus match : InputFiles.matches(parquet, configuration)) {
        paths.add(match.getPath().toString());
      }
      Dataset<Row> table =
          Failures.explained(of, () -> spark.read().parquet(paths.toArray(String[]::new)));
      return ofTable(spark, parquet, parquet.column(), table);
    }
    Corpus.Sql sql = (Corpus.Sql) corpus;
    boolean query = QUERY.matcher(withoutComments(sql.location())).find();
    Dataset<Row> table =
        Failures.explained(
            of, () -> query ? spark.sql(sql.location()) : spark.table(sql.location()));
    return ofTable(spark, sql, sql.column(), table);
  }

  /** The files the texts come from; empty if Spark cannot tell (a view in memory, a database). */
  public Optional<List<InputFile>> files() {
    return files;
  }

  /** Partitions of documents that suit the corpus' size. */
  public int partitions() {
    return partitions;
  }

  /** What Spark reads; {@link #texts} finds the texts in the rows of one task. */
  public Dataset<Row> rows() {
    return rows;
  }

  /** Runs on executors. */
  public Texts texts() {
    return texts;
  }

  /**
   * Fails if what was read is not what the user meant.
   *
   * @throws DataException if rows were corrupt, or there was no text
   */
  public void requireUsable(ReadReport report, Configuration configuration) {
    RawText.Corrupt first = report.firstCorrupt();
    if (first != null) {
      throw new DataException(
          corpus.setting()
              + ": "
              + report.corrupt()
              + " of "
              + report.rows()
              + " lines cannot be used; the first is "
              + first.path()
              + ":"
              + lineNumber(first, configuration)
              + ": "
              + first.reason()
              + ". Repair or remove these lines");
    }
    if (report.lacksColumn()) {
      List<String> columns =
          report.columns().isEmpty() ? List.of() : List.of(report.columns().split(", "));
      throw TextColumn.missing(corpus, ((Corpus.JsonLines) corpus).column(), columns, "");
    }
    if (report.documents() == 0) {
      throw new DataException(
          corpus.setting()
              + ": '"
              + corpus.location()
              + "' has no text: "
              + report.rows()
              + " rows, of which "
              + report.nullTexts()
              + " without a text and "
              + report.emptyTexts()
              + " empty");
    }
  }

  private static CorpusReader ofText(SparkSession spark, Corpus.TextFiles text, String cacheDir) {
    Configuration configuration = spark.sparkContext().hadoopConfiguration();
    List<InputFile> files =
        text.location().startsWith(ClasspathCorpus.SCHEME)
            ? ClasspathCorpus.unpack(text, cacheDir, configuration)
            : InputFiles.list(text, configuration);
    SerializableConfiguration settings = new SerializableConfiguration(configuration);
    if (text.separator().isEmpty()) {
      List<FileSlice> slices = FileSlice.whole(files);
      return ofSlices(
          spark, text, files, slices, slice -> TextDocuments.whole(slice, settings.value()));
    }
    Pattern separator = regularExpression(text.separator().get());
    List<FileSlice> slices = FileSlice.ofLines(files, configuration);
    return ofSlices(
        spark,
        text,
        files,
        slices,
        slice -> TextDocuments.separated(slice, separator, settings.value()));
  }

  private static CorpusReader ofJson(SparkSession spark, Corpus.JsonLines json) {
    Configuration configuration = spark.sparkContext().hadoopConfiguration();
    List<InputFile> files = InputFiles.list(json, configuration);
    SerializableConfiguration settings = new SerializableConfiguration(configuration);
    String column = json.column();
    return ofSlices(
        spark,
        json,
        files,
        FileSlice.ofLines(files, configuration),
        slice -> new JsonDocuments(slice, column, settings.value()));
  }

  private static CorpusReader ofSlices(
      SparkSession spark,
      Corpus corpus,
      List<InputFile> files,
      List<FileSlice> slices,
      SliceTexts.Opener opener) {
    List<Row> rows = new ArrayList<>();
    for (FileSlice slice : slices) {
      rows.add(RowFactory.create(slice.path(), slice.start(), slice.end()));
    }
    JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
    int tasks = Math.max(1, Math.min(rows.size(), 4 * partitions(spark, files)));
    Dataset<Row> dataset = spark.createDataFrame(context.parallelize(rows, tasks), SLICE);
    return new CorpusReader(
        corpus,
        Optional.of(files),
        dataset,
        input -> new SliceTexts(input, opener),
        partitions(spark, files));
  }

  private static CorpusReader ofTable(
      SparkSession spark, Corpus corpus, String column, Dataset<Row> table) {
    String name = TextColumn.of(corpus, column, table.schema());
    Dataset<Row> texts = table.select(table.col("`" + name.replace("`", "``") + "`"));
    Optional<List<InputFile>> files = tableFiles(spark, corpus, table);
    int partitions =
        files
            .map(found -> partitions(spark, found))
            .orElseGet(() -> Integer.parseInt(spark.conf().get("spark.sql.shuffle.partitions")));
    return new CorpusReader(corpus, files, texts, TableTexts::new, partitions);
  }

  private static int partitions(SparkSession spark, List<InputFile> files) {
    long bytes = files.stream().mapToLong(InputFile::bytes).sum();
    long bySize = bytes / BYTES_PER_PARTITION + 1;
    int parallel = spark.sparkContext().defaultParallelism();
    return (int) Math.min(MAX_PARTITIONS, Math.max(bySize, parallel));
  }

  private static Optional<List<InputFile>> tableFiles(
      SparkSession spark, Corpus corpus, Dataset<Row> table) {
    String[] paths = table.inputFiles();
    if (paths.length == 0) {
      return Optional.empty();
    }
    Arrays.sort(paths);
    Configuration configuration = spark.sparkContext().hadoopConfiguration();
    List<InputFile> files = new ArrayList<>();
    try {
      for (String name : paths) {
        Path path = new Path(java.net.URI.create(name));
        FileStatus status =
            HadoopPath.open(corpus.setting(), path, configuration).files().getFileStatus(path);
        files.add(new InputFile(name, status.getLen(), "modified " + status.getModificationTime()));
      }
    } catch (IOException | IllegalArgumentException | DataException notPlainFiles) {
      return Optional.empty();
    }
    return Optional.of(files);
  }

  /** A query from its first word on. */
  private static String withoutComments(String sql) {
    String rest = sql.strip();
    while (rest.startsWith("--") || rest.startsWith("/*")) {
      String end = rest.startsWith("--") ? "\n" : "*/";
      int at = rest.indexOf(end, 2);
      if (at < 0) {
        return "";
      }
      rest = rest.substring(at + end.length()).strip();
    }
    return rest;
  }

  private static Pattern regularExpression(String separator) {
    try {
      return Pattern.compile(separator);
    } catch (PatternSyntaxException failure) {
      throw new DataException(
          "data.document-separator: '"
              + separator
              + "' is not a regular expression: "
              + failure.getDescription().toLowerCase(Locale.ROOT)
              + " at "
              + failure.getIndex(),
          failure);
    }
  }

  private static String lineNumber(RawText.Corrupt at, Configuration configuration) {
    long number = 1;
    try (Lines lines = new FileSlice(at.path(), 0, Long.MAX_VALUE).lines(configuration)) {
      while (lines.next() && lines.offset() < at.offset()) {
        number++;
      }
      return Long.toString(number);
    } catch (IOException unreadableNow) {
      return "byte " + at.offset();
    }
  }

  private static final class TableTexts implements Iterator<RawText> {
    private final Iterator<Row> rows;

    private TableTexts(Iterator<Row> rows) {
      this.rows = rows;
    }

    @Override
    public boolean hasNext() {
      return rows.hasNext();
    }

    @Override
    public RawText next() {
      Row row = rows.next();
      return row.isNullAt(0) ? new RawText.Null() : new RawText.Document(row.getString(0));
    }
  }
}
