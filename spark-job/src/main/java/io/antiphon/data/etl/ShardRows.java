package io.antiphon.data.etl;

import io.antiphon.data.DataException;
import io.antiphon.data.Sha256;
import io.antiphon.data.Split;
import io.antiphon.data.files.Failures;
import io.antiphon.data.files.TemporaryFiles;
import io.antiphon.data.store.StoreLocation;
import java.io.IOException;
import java.io.OutputStream;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.TaskContext;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.jspecify.annotations.Nullable;

/**
 * Writes fragments, sorted by shard, position and first token, to shard files. A file is complete
 * when it has its name, which carries its checksum: tasks that run twice write the same file.
 */
final class ShardRows {
  static final StructType SCHEMA =
      new StructType()
          .add("shard", DataTypes.IntegerType, false)
          .add("file", DataTypes.StringType, false)
          .add("sequences", DataTypes.LongType, false)
          .add("bytes", DataTypes.LongType, false)
          .add("sha256", DataTypes.StringType, false);

  private final StoreLocation location;
  private final PackingPlan plan;

  ShardRows(StoreLocation location, PackingPlan plan) {
    this.location = location;
    this.plan = plan;
  }

  Iterator<Row> write(Iterator<Row> fragments) {
    List<Row> written = new ArrayList<>();
    Row ahead = fragments.hasNext() ? fragments.next() : null;
    while (ahead != null) {
      int shard = ahead.getInt(0);
      String part = ".shard-" + shard + "-" + TaskContext.get().taskAttemptId() + ".part";
      Path temporary = location.path(part);
      try {
        FileSystem files = location.fileSystem();
        MessageDigest digest = Sha256.digest();
        try (OutputStream out = new DigestOutputStream(files.create(temporary, true), digest)) {
          ahead = write(shard, ahead, fragments, out);
        } catch (IOException | RuntimeException | FSError failure) {
          files.delete(temporary, false);
          throw failure;
        }
        written.add(commit(files, temporary, shard, HexFormat.of().formatHex(digest.digest())));
      } catch (IOException | FSError failure) {
        throw new DataException(
            "cannot write a token shard to "
                + location.directory()
                + ": "
                + Failures.reason(failure)
                + "; data.cache-dir must be writable from every executor and have enough space",
            failure);
      }
    }
    return written.iterator();
  }

  /** Writes one shard; returns the first row after it. */
  private @Nullable Row write(int shard, Row first, Iterator<Row> fragments, OutputStream out)
      throws IOException {
    PackingPlan.Layout layout = plan.layout(plan.splitOf(shard));
    long position = layout.firstPosition(shard);
    long end = position + layout.sequencesOf(shard);
    int filled = 0;
    out.write(plan.format().header(layout.sequencesOf(shard)));
    Row row = first;
    while (row != null && row.getInt(0) == shard) {
      if (row.getLong(1) != position || row.getInt(2) != filled) {
        throw new IllegalStateException(
            "shard " + shard + " lacks token " + filled + " of position " + position);
      }
      byte[] tokens = row.getAs(3);
      out.write(tokens);
      filled += tokens.length / plan.format().tokenBytes();
      if (filled == plan.format().sequenceLength() + 1) {
        position++;
        filled = 0;
      }
      row = fragments.hasNext() ? fragments.next() : null;
    }
    if (position != end || filled != 0) {
      throw new IllegalStateException("shard " + shard + " ends at " + position + ", not " + end);
    }
    return row;
  }

  private Row commit(FileSystem files, Path temporary, int shard, String sha256)
      throws IOException {
    Split split = plan.splitOf(shard);
    PackingPlan.Layout layout = plan.layout(split);
    int number = shard - layout.firstShard();
    String name =
        String.format("%s-%05d-%s.tokens", split.label(), number, sha256.substring(0, 16));
    long sequences = layout.sequencesOf(shard);
    long bytes = plan.format().fileBytes(sequences);
    Path complete = location.path(name);
    if (files.exists(complete)) {
      files.delete(complete, false); // from a build that failed later, perhaps truncated since
    }
    TemporaryFiles.complete(files, temporary, complete);
    return RowFactory.create(shard, name, sequences, bytes, sha256);
  }
}
