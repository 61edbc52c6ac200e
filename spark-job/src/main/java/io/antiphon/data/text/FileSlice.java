package io.antiphon.data.text;

import io.antiphon.data.Beginning;
import io.antiphon.data.DataException;
import io.antiphon.data.files.HadoopPath;
import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.Path;

/**
 * A part of a file one task reads: what begins in {@code [start, end)} belongs to it, even where it
 * ends beyond. Offsets are of the text, after decompression.
 *
 * @param path of the file
 * @param start first byte
 * @param end past the last byte; {@link Long#MAX_VALUE} for the whole file
 */
record FileSlice(String path, long start, long end) implements Serializable {
  private static final long SLICE_BYTES = 32L << 20;

  /** Whole files, for those that are one document. */
  static List<FileSlice> whole(List<InputFile> files) {
    return files.stream().map(file -> new FileSlice(file.path(), 0, Long.MAX_VALUE)).toList();
  }

  /** Files of lines in slices of 32 MiB; compressed files stay whole, as they are read in order. */
  static List<FileSlice> ofLines(List<InputFile> files, Configuration configuration) {
    Compression compression = new Compression(configuration);
    List<FileSlice> slices = new ArrayList<>();
    for (InputFile file : files) {
      if (compression.compresses(file.path())) {
        slices.add(new FileSlice(file.path(), 0, Long.MAX_VALUE));
        continue;
      }
      for (long start = 0; start < file.bytes(); start += SLICE_BYTES) {
        slices.add(new FileSlice(file.path(), start, start + SLICE_BYTES));
      }
    }
    return slices;
  }

  /** Opens the lines of the file at the first one that begins in the slice. */
  Lines lines(Configuration configuration) throws IOException {
    Path file = new Path(path);
    FSDataInputStream raw = HadoopPath.open("the corpus", file, configuration).files().open(file);
    try {
      if (start == 0) {
        InputStream in = new Compression(configuration).open(path, raw);
        Beginning beginning = new Beginning(in);
        Optional<Beginning.Foreign> foreign = beginning.foreign();
        if (foreign.isPresent()) {
          throw new DataException(
              path + " " + foreign.get().kind() + "; " + foreign.get().remedy());
        }
        return new Lines(path, beginning.whole(), 0);
      }
      raw.seek(start - 1); // a line that begins at start is ours; its predecessor's end shows it
      Lines lines = new Lines(path, raw, start - 1);
      lines.skip();
      return lines;
    } catch (IOException | RuntimeException failure) {
      raw.close();
      throw failure;
    }
  }
}
