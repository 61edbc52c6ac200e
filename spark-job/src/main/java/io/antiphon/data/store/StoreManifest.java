package io.antiphon.data.store;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.antiphon.conf.Printable;
import io.antiphon.data.DataException;
import io.antiphon.data.DataRequest;
import io.antiphon.data.SeededPermutation;
import io.antiphon.data.Sha256;
import io.antiphon.data.Split;
import io.antiphon.data.files.Failures;
import io.antiphon.data.tokenizer.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The contents of a packed token store, as its {@code manifest.json} says.
 *
 * @param format always {@value #FORMAT}
 * @param version of the format
 * @param fingerprint of the request and its input; another one means another store
 * @param source where the documents came from
 * @param tokenizer name of the tokenizer
 * @param vocabulary distinct token ids
 * @param endOfText id that ends a document
 * @param sequenceLength tokens a model reads of one sequence, L; L + 1 are stored
 * @param seed decided the split and the order
 * @param splitRule what was assigned to a split as a whole, in words
 * @param documents texts used
 * @param nullTexts rows without a text, skipped
 * @param emptyTexts texts without any character, skipped
 * @param train what the model learns from
 * @param validation what it is measured on
 */
public record StoreManifest(
    String format,
    int version,
    String fingerprint,
    String source,
    String tokenizer,
    int vocabulary,
    int endOfText,
    int sequenceLength,
    long seed,
    String splitRule,
    long documents,
    long nullTexts,
    long emptyTexts,
    Part train,
    Part validation) {

  /** What {@link #format} is. */
  public static final String FORMAT = "antiphon-tokens";

  static final String FILE = "manifest.json";
  static final long MAX_FILE_BYTES = 256L << 20;

  /** Sequences of one shard, so that the size of the longest ones is still a number. */
  private static final long MAX_SHARD_SEQUENCES = 1L << 40;

  private static final Pattern FILE_NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,199}");
  private static final Pattern CHECKSUM = Pattern.compile("[0-9a-f]{64}");

  /**
   * One split.
   *
   * @param pieces documents, or parts of documents, each followed by one end-of-text
   * @param textBytes UTF-8 bytes of their text
   * @param tokens their tokens, with the ends of text
   * @param sequences stored; sequence i holds tokens {@code [i * L, i * L + L]} of the split before
   *     the shuffle
   * @param droppedTokens at the end, too few for one more sequence
   * @param shards files in the order of positions
   */
  public record Part(
      long pieces,
      long textBytes,
      long tokens,
      long sequences,
      long droppedTokens,
      List<Shard> shards) {
    public Part {
      shards = List.copyOf(shards);
      long stored = 0;
      for (Shard shard : shards) {
        stored = Math.addExact(stored, shard.sequences());
      }
      if (pieces < 0
          || textBytes < 0
          || tokens < 0
          || droppedTokens < 0
          || stored != sequences
          || stored > SeededPermutation.MAX_SIZE) {
        throw new IllegalArgumentException("counts of a split do not add up");
      }
    }

    /** Bytes of text one token stands for, ends of text included; 0 for an empty split. */
    public double bytesPerToken() {
      return tokens == 0 ? 0 : (double) textBytes / tokens;
    }
  }

  /**
   * One file.
   *
   * @param file name inside the store's directory
   * @param sequences stored in it
   * @param bytes its size
   * @param sha256 checksum of the whole file, in hex
   */
  public record Shard(String file, long sequences, long bytes, String sha256) {
    public Shard {
      if (!FILE_NAME.matcher(file).matches()) {
        throw new IllegalArgumentException("a shard's file is not a plain name");
      }
      if (sequences < 1 || sequences > MAX_SHARD_SEQUENCES || bytes < 1) {
        throw new IllegalArgumentException(
            "shard " + file + " has " + sequences + " sequences in " + bytes + " bytes");
      }
      if (!CHECKSUM.matcher(sha256).matches()) {
        throw new IllegalArgumentException("shard " + file + " has no usable checksum");
      }
    }
  }

  public StoreManifest {
    if (!format.equals(FORMAT) || version != ShardFormat.VERSION) {
      throw new IllegalArgumentException(
          "format " + format + " version " + version + " is not one this version reads");
    }
    if (vocabulary < 1
        || vocabulary > Tokenizer.MAX_VOCABULARY
        || endOfText < 0
        || endOfText >= vocabulary) {
      throw new IllegalArgumentException(
          "vocabulary " + vocabulary + " with end of text " + endOfText + " is out of range");
    }
    if (sequenceLength < 1 || sequenceLength > DataRequest.MAX_SEQUENCE_LENGTH) {
      throw new IllegalArgumentException("sequence length " + sequenceLength + " is out of range");
    }
  }

  /** The part of one split. */
  public Part part(Split split) {
    return split == Split.TRAIN ? train : validation;
  }

  /**
   * Identifies the stored tokens and their order, whatever they were made from: a checkpoint that
   * keeps it can tell whether a position still means the same sequence.
   */
  public String contentDigest() {
    StringBuilder content = new StringBuilder();
    content.append(vocabulary).append(' ').append(endOfText).append(' ').append(sequenceLength);
    content.append(' ').append(seed);
    for (Split split : Split.values()) {
      content.append('\n').append(split.label());
      part(split).shards().forEach(shard -> content.append(' ').append(shard.sha256()));
    }
    return Sha256.hex(content.toString().getBytes(StandardCharsets.UTF_8));
  }

  ShardFormat shardFormat() {
    return ShardFormat.of(vocabulary, sequenceLength);
  }

  byte[] toJson() {
    try {
      return (mapper().writeValueAsString(this) + "\n").getBytes(StandardCharsets.UTF_8);
    } catch (JsonProcessingException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  static StoreManifest parse(String path, byte[] json) {
    try {
      @Nullable StoreManifest manifest = mapper().readValue(json, StoreManifest.class);
      if (manifest != null) {
        return manifest;
      }
      throw broken(path, "it is empty", null);
    } catch (java.io.IOException failure) {
      throw broken(path, Failures.reason(failure), failure);
    }
  }

  private static DataException broken(String path, String why, @Nullable Throwable cause) {
    String message =
        path
            + " is not a usable manifest of a token store: "
            + Printable.line(why)
            + ". Delete the store's directory, the next run builds it again";
    return cause == null ? new DataException(message) : new DataException(message, cause);
  }

  private static ObjectMapper mapper() {
    return JsonMapper.builder()
        .enable(SerializationFeature.INDENT_OUTPUT)
        .enable(
            DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES,
            DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES,
            DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES,
            DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
        .build();
  }
}
