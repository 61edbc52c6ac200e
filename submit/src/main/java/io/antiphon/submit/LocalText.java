package io.antiphon.submit;

import io.antiphon.conf.ConfigException;
import io.antiphon.conf.Data;
import io.antiphon.conf.Problem;
import io.antiphon.conf.Settings;
import io.antiphon.data.Beginning;
import io.antiphon.data.SeededPermutation;
import io.antiphon.data.Sha256;
import io.antiphon.data.tokenizer.ByteTokenizer;
import io.antiphon.data.tokenizer.TokenizerDescription;
import io.antiphon.train.SequenceSource;
import io.antiphon.train.TrainingData;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Text files of this machine as sequences of bytes, held in memory: what trains where there is no
 * Spark. The end of every text, by the validation fraction, is for validation. Sequences come in an
 * order of their own, shuffled by seed and epoch, so a run without Spark is not the run with Spark
 * step by step.
 */
final class LocalText {
  private static final String CLASSPATH = "classpath:";
  private static final String LOCAL = "file:";

  /** Tokens that are digested at once. */
  private static final int BLOCK = 1 << 16;

  private final int sequenceLength;
  private final long seed;
  private final char[] train;
  private final char[] validation;
  private final TrainingData identity;

  private LocalText(int sequenceLength, long seed, char[] train, char[] validation) {
    this.sequenceLength = sequenceLength;
    this.seed = seed;
    this.train = train;
    this.validation = validation;
    this.identity = identity(sequenceLength, seed, train, validation);
  }

  /**
   * Reads and tokenises all text.
   *
   * @throws ConfigException if the settings ask for what only Spark reads, or the text is missing
   *     or too small
   */
  static LocalText read(Settings settings) {
    Data data = settings.data();
    if (data.text().isEmpty()) {
      throw unusable("data.text", "not set", "is all that is read without Spark", "set data.text");
    }
    if (!data.tokenizer().equals("bytes")) {
      throw unusable(
          "data.tokenizer",
          data.tokenizer(),
          "tokenizers from a file need Spark's libraries, which are not here",
          "set data.tokenizer to bytes, or unpack the archive with Spark");
    }
    String location = data.text().orElseThrow();
    Tokens train = new Tokens();
    Tokens validation = new Tokens();
    try (ByteTokenizer tokenizer = new ByteTokenizer()) {
      for (String text : texts(location)) {
        for (String document : documents(text, data)) {
          int[] tokens = tokenizer.encode(document);
          int split = tokens.length - (int) Math.round(tokens.length * data.validationFraction());
          train.add(tokens, 0, split, tokenizer.endOfText());
          validation.add(tokens, split, tokens.length, tokenizer.endOfText());
        }
      }
    }
    int length = settings.model().sequenceLength();
    LocalText result = new LocalText(length, settings.seed(), train.all(), validation.all());
    int ranks = settings.parallelism().ranks();
    if (sequences(result.train, length) < ranks) {
      throw unusable(
          "data.text",
          location,
          "has "
              + sequences(result.train, length)
              + " training sequences, fewer than the "
              + ranks
              + " ranks",
          "add text, or lower parallelism.ranks or model.sequence-length");
    }
    return result;
  }

  /** What is trained on. Its order of sequences is not the one with Spark, so it is never equal. */
  TrainingData identity() {
    return identity;
  }

  private static TrainingData identity(
      int sequenceLength, long seed, char[] train, char[] validation) {
    MessageDigest digest = Sha256.digest();
    digest.update(
        (sequenceLength + " " + seed + " " + train.length).getBytes(StandardCharsets.US_ASCII));
    for (char[] split : List.of(train, validation)) {
      ByteBuffer bytes = ByteBuffer.allocate(Character.BYTES * BLOCK);
      for (int first = 0; first < split.length; first += BLOCK) {
        bytes.clear();
        bytes.asCharBuffer().put(split, first, Math.min(BLOCK, split.length - first));
        bytes.limit(Character.BYTES * Math.min(BLOCK, split.length - first));
        digest.update(bytes);
      }
    }
    String tokens = HexFormat.of().formatHex(digest.digest());
    return new TrainingData(TrainingData.WITHOUT_SPARK + tokens, TokenizerDescription.BYTES);
  }

  /** The training split; each caller gets its own view of the same tokens. */
  SequenceSource train() {
    return new Sequences(train, sequenceLength, seed, true);
  }

  /** The validation split, in order; the training split where it has no sequence. */
  SequenceSource validation() {
    return new Sequences(hasValidation() ? validation : train, sequenceLength, seed, false);
  }

  boolean hasValidation() {
    return sequences(validation, sequenceLength) > 0;
  }

  private static long sequences(char[] tokens, int length) {
    return Math.max(0, (tokens.length - 1) / length);
  }

  private static List<String> texts(String location) {
    try {
      return location.startsWith(CLASSPATH)
          ? shipped(location.substring(CLASSPATH.length()))
          : files(location);
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

  /** As with Spark. */
  private static boolean isHidden(Path file) {
    String name = file.getFileName().toString();
    return name.startsWith(".") || name.startsWith("_");
  }

  /** As with Spark: of a separator line only what its first group captured remains. */
  private static List<String> documents(String text, Data data) {
    if (data.documentSeparator().isEmpty()) {
      return text.isBlank() ? List.of() : List.of(text.strip());
    }
    Pattern separator = Pattern.compile(data.documentSeparator().orElseThrow());
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

  /** Tokens of many documents, one after the other. */
  private static final class Tokens {
    private char[] tokens = new char[1 << 16];
    private int count;

    void add(int[] document, int from, int to, int endOfText) {
      if (from == to) {
        return;
      }
      int needed = Math.addExact(count, to - from + 1);
      if (needed > tokens.length) {
        tokens = Arrays.copyOf(tokens, Math.max(needed, (int) Math.min(2L * count, 1 << 30)));
      }
      for (int i = from; i < to; i++) {
        tokens[count++] = (char) document[i];
      }
      tokens[count++] = (char) endOfText;
    }

    char[] all() {
      return Arrays.copyOf(tokens, count);
    }
  }

  private static final class Sequences implements SequenceSource {
    private static final ByteTokenizer TOKENIZER = new ByteTokenizer();

    private final char[] tokens;
    private final int length;
    private final long seed;
    private final boolean shuffled;
    private final long sequences;

    Sequences(char[] tokens, int length, long seed, boolean shuffled) {
      this.tokens = tokens;
      this.length = length;
      this.seed = seed;
      this.shuffled = shuffled;
      this.sequences = LocalText.sequences(tokens, length);
    }

    @Override
    public int sequenceLength() {
      return length;
    }

    @Override
    public long sequences() {
      return sequences;
    }

    @Override
    public int vocabulary() {
      return TOKENIZER.vocabulary();
    }

    @Override
    public int endOfText() {
      return TOKENIZER.endOfText();
    }

    @Override
    public void read(long position, int[] into, int offset) {
      int first = Math.toIntExact(stored(position) * length);
      for (int i = 0; i <= length; i++) {
        into[offset + i] = tokens[first + i];
      }
    }

    private long stored(long position) {
      long place = position % sequences;
      long epochSeed = seed * 31 + position / sequences;
      return shuffled ? new SeededPermutation(sequences, epochSeed).apply(place) : place;
    }

    @Override
    public void close() {}
  }
}
