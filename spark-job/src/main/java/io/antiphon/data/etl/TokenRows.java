package io.antiphon.data.etl;

import io.antiphon.data.Sha256;
import io.antiphon.data.store.ShardFormat;
import io.antiphon.data.text.CorpusReader;
import io.antiphon.data.text.RawText;
import io.antiphon.data.text.ReadReport;
import io.antiphon.data.tokenizer.SpecialTexts;
import io.antiphon.data.tokenizer.Tokenizer;
import io.antiphon.data.tokenizer.TokenizerDescription;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.util.TaskCompletionListener;

/**
 * Texts of one task as rows of tokens, and at the end one row with the task's {@link ReadReport}.
 *
 * <p>A document's key is the SHA-256 of its text, cut to 128 bits: documents in the order of keys
 * are in the same order however the input was partitioned, whatever format it had; equal keys mean
 * equal texts. Long texts are tokenised in segments of about a million characters, cut after the
 * end of a line, or before a space, where there is one.
 */
final class TokenRows implements Iterator<Row> {
  static final StructType SCHEMA =
      new StructType()
          .add("target", DataTypes.IntegerType, false)
          .add("high", DataTypes.LongType, false)
          .add("low", DataTypes.LongType, false)
          .add("segment", DataTypes.IntegerType, false)
          .add("textBytes", DataTypes.LongType, false)
          .add("tokens", DataTypes.BinaryType, false);

  private static final int SEGMENT_CHARS = 1 << 20;

  private final Iterator<RawText> texts;
  private final Tokenizer tokenizer;
  private final SpecialTexts specials;
  private final ShardFormat format;
  private final int partitions;
  private final ReadReport report = new ReadReport();
  private final Deque<String> segments = new ArrayDeque<>();
  private long high;
  private long low;
  private int segment;
  private boolean reported;

  /**
   * Opens the task's tokenizer, and closes it with the task.
   *
   * @param partitions of documents; the reports go to one more
   */
  TokenRows(Iterator<RawText> texts, TokenizerDescription description, int partitions) {
    this.texts = texts;
    this.tokenizer = description.open();
    this.specials = new SpecialTexts(description.specialTexts());
    this.format = ShardFormat.of(tokenizer.vocabulary(), 1);
    this.partitions = partitions;
    TaskContext.get()
        .addTaskCompletionListener((TaskCompletionListener) context -> tokenizer.close());
  }

  /** All of a corpus; reading starts when Spark runs them. */
  static Dataset<Row> of(CorpusReader corpus, TokenizerDescription tokenizer, int partitions) {
    CorpusReader.Texts texts = corpus.texts();
    MapPartitionsFunction<Row, Row> tokenise =
        input -> new TokenRows(texts.of(input), tokenizer, partitions);
    return corpus.rows().mapPartitions(tokenise, Encoders.row(SCHEMA));
  }

  @Override
  public boolean hasNext() {
    return !reported;
  }

  @Override
  public Row next() {
    if (reported) {
      throw new NoSuchElementException();
    }
    while (segments.isEmpty() && texts.hasNext()) {
      RawText raw = texts.next();
      if (report.add(raw) && raw instanceof RawText.Document document) {
        if (specials.occurIn(document.text())) {
          report.addSpelling();
        }
        begin(document.text());
      }
    }
    String text = segments.poll();
    if (text == null) {
      reported = true;
      return RowFactory.create(partitions, 0L, 0L, 0, 0L, serialized(report));
    }
    byte[] tokens = format.encode(tokenizer.encode(text));
    int target = partition(high, partitions);
    return RowFactory.create(target, high, low, segment++, (long) utf8(text).length, tokens);
  }

  /** Splits the keys' range, in signed order, into equal parts. */
  static int partition(long high, int partitions) {
    long ascending = (high ^ Long.MIN_VALUE) >>> 33; // 31 bits, so that the product fits
    return (int) ((ascending * partitions) >>> 31);
  }

  static ReadReport report(Row row) {
    byte[] bytes = row.getAs("tokens");
    try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes))) {
      return (ReadReport) in.readObject();
    } catch (IOException | ClassNotFoundException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  static List<String> segments(String text, int maxChars) {
    List<String> segments = new ArrayList<>();
    int start = 0;
    while (text.length() - start > maxChars) {
      int end = start + maxChars;
      int line = text.lastIndexOf('\n', end - 1) + 1;
      int space = text.lastIndexOf(' ', end - 1);
      if (line > start + maxChars / 2) {
        end = line;
      } else if (space > start + maxChars / 2) {
        end = space;
      } else if (Character.isHighSurrogate(text.charAt(end - 1))) {
        end--;
      }
      segments.add(text.substring(start, end));
      start = end;
    }
    segments.add(text.substring(start));
    return segments;
  }

  private void begin(String text) {
    segments.addAll(segments(text, SEGMENT_CHARS));
    MessageDigest digest = Sha256.digest();
    segments.forEach(part -> digest.update(utf8(part)));
    ByteBuffer key = ByteBuffer.wrap(digest.digest());
    high = key.getLong();
    low = key.getLong();
    segment = 0;
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] serialized(ReadReport report) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(report);
    } catch (IOException impossible) {
      throw new IllegalStateException(impossible);
    }
    return bytes.toByteArray();
  }
}
