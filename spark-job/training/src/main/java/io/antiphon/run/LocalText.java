package io.antiphon.run;

import io.antiphon.conf.ConfigException;
import io.antiphon.conf.Problem;
import io.antiphon.data.Beginning;
import io.antiphon.data.Corpus;
import io.antiphon.data.DataException;
import io.antiphon.data.DataRequest;
import io.antiphon.data.FileOpener;
import io.antiphon.data.SeededPermutation;
import io.antiphon.data.Sha256;
import io.antiphon.data.Split;
import io.antiphon.data.tokenizer.Tokenizer;
import io.antiphon.data.tokenizer.TokenizerDescription;
import io.antiphon.data.tokenizer.Vocabulary;
import io.antiphon.train.SequenceSource;
import io.antiphon.train.TrainingData;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Text files of this machine as tokens, held in memory: what ranks read where there is no Spark.
 * The end of every text, by the validation fraction, is for validation. Sequences come in an order
 * of their own, shuffled by seed and epoch, so a run without Spark is not the run with Spark step
 * by step.
 */
final class LocalText implements RunText {
  private static final String CLASSPATH = "classpath:";
  private static final String LOCAL = "file:";

  private final int sequenceLength;
  private final long seed;
  private final Vocabulary vocabulary;
  private final TokenList train;
  private final TokenList validation;

  private LocalText(
      int sequenceLength, long seed, Vocabulary vocabulary, TokenList train, TokenList validation) {
    this.sequenceLength = sequenceLength;
    this.seed = seed;
    this.vocabulary = vocabulary;
    this.train = train;
    this.validation = validation;
  }

  /**
   * Reads and tokenises all text.
   *
   * @param ranks that share the training split
   * @throws ConfigException if the settings ask for what only Spark reads, or the text is missing
   *     or too small
   * @throws io.antiphon.data.DataException if the tokenizer cannot be used
   */
  static PreparedText read(DataRequest request, int ranks) {
    if (!(request.corpus() instanceof Corpus.TextFiles corpus)) {
      throw unusable(
          request.corpus().setting(),
          request.corpus().location(),
          "needs Spark, which is not here",
          "set data.text, which is all that is read without Spark");
    }
    TokenizerDescription description =
        TokenizerDescription.read(
            request.tokenizer(),
            request.endOfText(),
            request.specialTokensInText(),
            FileOpener.LOCAL);
    try (Tokenizer tokenizer = description.open()) {
      Vocabulary vocabulary = new Vocabulary(tokenizer.vocabulary(), tokenizer.endOfText());
      TokenList train = new TokenList(vocabulary);
      TokenList validation = new TokenList(vocabulary);
      for (String text : texts(corpus.location())) {
        for (String document : documents(text, corpus)) {
          int[] tokens = tokenizer.encode(document);
          double bytesPerToken = bytesPerToken(document, tokens.length);
          int kept = (int) Math.round(tokens.length * request.validationFraction());
          train.add(tokens, 0, tokens.length - kept, bytesPerToken);
          validation.add(tokens, tokens.length - kept, tokens.length, bytesPerToken);
        }
      }
      LocalText result =
          new LocalText(request.sequenceLength(), request.seed(), vocabulary, train, validation);
      requireEnough(corpus, result.sequences(Split.TRAIN), ranks);
      return new PreparedText(
          result, new TrainingData(result.digest(), description.meaning()), description);
    }
  }

  private static double bytesPerToken(String document, int tokens) {
    return tokens == 0 ? 0 : (double) document.getBytes(StandardCharsets.UTF_8).length / tokens;
  }

  private static void requireEnough(Corpus corpus, long sequences, int ranks) {
    if (sequences < ranks) {
      throw unusable(
          corpus.setting(),
          corpus.location(),
          "has " + sequences + " training sequences, fewer than the " + ranks + " ranks",
          "add text, or lower parallelism.ranks or model.sequence-length");
    }
  }

  /**
   * Checksum of all tokens and their order. The order is not that of Spark, so it is never equal to
   * one with Spark.
   */
  private String digest() {
    MessageDigest digest = Sha256.digest();
    digest.update(
        (sequenceLength + " " + seed + " " + train.count()).getBytes(StandardCharsets.US_ASCII));
    train.addTo(digest);
    validation.addTo(digest);
    return TrainingData.WITHOUT_SPARK + HexFormat.of().formatHex(digest.digest());
  }

  /** Each caller gets its own view of the same tokens. */
  @Override
  public SequenceSource open(Split split) {
    if (sequences(split) == 0) {
      throw new DataException(
          "the text has no sequence for "
              + split.label()
              + "; add text, or raise data.validation-fraction");
    }
    return new Sequences(this, split);
  }

  @Override
  public long sequences(Split split) {
    return Math.max(0, (tokens(split).count() - 1) / sequenceLength);
  }

  @Override
  public double bytesPerToken(Split split) {
    return tokens(split).bytesPerToken();
  }

  private TokenList tokens(Split split) {
    return split == Split.TRAIN ? train : validation;
  }

  private static List<String> texts(String location) {
    try {
      return location.startsWith(CLASSPATH)
          ? shipped(location.substring(CLASSPATH.length()))
          : files(location);
    } catch (NoSuchFileException e) {
      throw unusable(
          "data.text",
          location,
          "there is no such file or folder",
          "give the text back as it was, or name a text file or a folder of text files on this"
              + " machine");
    } catch (IOException e) {
      throw unusable(
          "data.text",
          location,
          "cannot be read: " + e,
          "name a text file or a folder of text files on this machine");
    }
  }

  private static List<String> shipped(String folder) throws IOException {
    List<String> texts = new ArrayList<>();
    for (String name : resource(folder + "/INDEX").lines().toList()) {
      texts.add(resource(folder + "/" + name));
    }
    return texts;
  }

  private static String resource(String name) throws IOException {
    try (InputStream in = LocalText.class.getResourceAsStream("/" + name)) {
      if (in == null) {
        throw new IOException("there is no resource " + name);
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private static List<String> files(String location) throws IOException {
    Path path = Path.of(location.startsWith(LOCAL) ? location.substring(LOCAL.length()) : location);
    List<Path> files = List.of(path);
    if (Files.isDirectory(path)) {
      try (Stream<Path> found = Files.list(path)) {
        files =
            found.filter(Files::isRegularFile).filter(file -> !isHidden(file)).sorted().toList();
      }
    }
    List<String> texts = new ArrayList<>();
    for (Path file : files) {
      try (InputStream in = Files.newInputStream(file)) {
        Beginning beginning = new Beginning(in);
        beginning
            .foreign()
            .ifPresent(
                foreign -> {
                  throw unusable(
                      "data.text",
                      file.toString(),
                      foreign.kind() + ", and without Spark only UTF-8 text is read",
                      "unpack or convert it, or train with Spark");
                });
        texts.add(new String(beginning.whole().readAllBytes(), StandardCharsets.UTF_8));
      }
    }
    return texts;
  }

  /** Follows the rule that holds with Spark. */
  private static boolean isHidden(Path file) {
    String name = file.getFileName().toString();
    return name.startsWith(".") || name.startsWith("_");
  }

  /** Follows the rule that holds with Spark: only the first group of a separator line remains. */
  private static List<String> documents(String text, Corpus.TextFiles corpus) {
    if (corpus.separator().isEmpty()) {
      return text.isBlank() ? List.of() : List.of(text.strip());
    }
    Pattern separator = Pattern.compile(corpus.separator().orElseThrow());
    List<String> documents = new ArrayList<>();
    StringBuilder document = new StringBuilder();
    for (String line : text.lines().toList()) {
      Matcher matcher = separator.matcher(line);
      if (matcher.find()) {
        addUnlessBlank(document, documents);
        document.setLength(0);
        String kept = matcher.groupCount() > 0 ? matcher.group(1) : "";
        document.append(kept == null ? "" : kept);
      } else {
        document.append('\n').append(line);
      }
    }
    addUnlessBlank(document, documents);
    return documents;
  }

  private static void addUnlessBlank(StringBuilder document, List<String> documents) {
    String text = document.toString().strip();
    if (!text.isEmpty()) {
      documents.add(text);
    }
  }

  static ConfigException unusable(String key, String value, String limit, String remedy) {
    return new ConfigException(List.of(new Problem("settings", 0, key, value, limit, remedy)));
  }

  private static final class Sequences implements SequenceSource {
    private final LocalText text;
    private final TokenList tokens;
    private final boolean shuffled;
    private final long sequences;

    Sequences(LocalText text, Split split) {
      this.text = text;
      this.tokens = text.tokens(split);
      this.shuffled = split == Split.TRAIN;
      this.sequences = text.sequences(split);
    }

    @Override
    public int sequenceLength() {
      return text.sequenceLength;
    }

    @Override
    public long sequences() {
      return sequences;
    }

    @Override
    public int vocabulary() {
      return text.vocabulary.size();
    }

    @Override
    public int endOfText() {
      return text.vocabulary.endOfText();
    }

    @Override
    public void read(long position, int[] into, int offset) {
      int first = Math.toIntExact(stored(position) * text.sequenceLength);
      for (int i = 0; i <= text.sequenceLength; i++) {
        into[offset + i] = tokens.at(first + i);
      }
    }

    private long stored(long position) {
      long place = position % sequences;
      long epochSeed = text.seed * 31 + position / sequences;
      return shuffled ? new SeededPermutation(sequences, epochSeed).apply(place) : place;
    }

    @Override
    public void close() {}
  }
}
