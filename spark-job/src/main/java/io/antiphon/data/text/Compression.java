package io.antiphon.data.text;

import com.github.luben.zstd.ZstdInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.io.compress.CompressionCodec;
import org.apache.hadoop.io.compress.CompressionCodecFactory;
import org.jspecify.annotations.Nullable;

/**
 * How a file is compressed, by its name: {@code .gz}, {@code .bz2}, {@code .zst} and what else
 * Hadoop is set up for. Zstandard is read by the library that Spark brings, as Hadoop's own codec
 * needs a native build of Hadoop.
 */
final class Compression {
  private static final String ZSTANDARD = ".zst";
  private static final Map<String, String> SYNONYMS =
      Map.of(".gzip", ".gz", ".zstd", ZSTANDARD, ".bz", ".bz2");

  /** Endings of what is not read, with what unpacks it. */
  private static final Map<String, String> UNREADABLE =
      Map.ofEntries(
          Map.entry(".xz", "xz -d"),
          Map.entry(".lzma", "xz -d"),
          Map.entry(".zip", "unzip"),
          Map.entry(".7z", "7z x"),
          Map.entry(".rar", "unrar x"),
          Map.entry(".lz4", "lz4 -d"), // Hadoop's files of this name are not those of lz4
          Map.entry(".snappy", "snzip -d"), // as with lz4
          Map.entry(".sz", "snzip -d"),
          Map.entry(".br", "brotli -d"),
          Map.entry(".lzo", "lzop -d"),
          Map.entry(".z", "uncompress"),
          Map.entry(".tgz", "tar -xf"),
          Map.entry(".tar", "tar -xf"));

  /** Windows up to 2 GiB, as {@code zstd --long=31} writes them; each file says what it needs. */
  private static final int MAX_WINDOW_LOG = 31;

  private final CompressionCodecFactory codecs;

  Compression(Configuration configuration) {
    this.codecs = new CompressionCodecFactory(configuration);
  }

  /** Why files of such a name are not read, and what to do; empty if they are. */
  static Optional<String> refusal(String path) {
    String name = path.toLowerCase(Locale.ROOT);
    boolean archive = name.substring(0, name.length() - ending(name).length()).endsWith(".tar");
    String unpack = archive ? "tar -xf" : UNREADABLE.get(ending(name));
    return unpack == null
        ? Optional.empty()
        : Optional.of(
            "cannot be read: unpack it ('"
                + unpack
                + "'); compressed files may end with .gz, .bz2 or .zst");
  }

  /** Whether the file's bytes are not those of its text. */
  boolean compresses(String path) {
    return isZstandard(path) || codec(path) != null;
  }

  /** The bytes of the text. */
  InputStream open(String path, InputStream raw) throws IOException {
    if (isZstandard(path)) {
      return new ZstdInputStream(raw).setLongMax(MAX_WINDOW_LOG);
    }
    CompressionCodec codec = codec(path);
    return codec == null ? raw : codec.createInputStream(raw);
  }

  private @Nullable CompressionCodec codec(String path) {
    return codecs.getCodec(new Path("file" + ending(path)));
  }

  private static boolean isZstandard(String path) {
    return ending(path).equals(ZSTANDARD);
  }

  private static String ending(String path) {
    int dot = path.lastIndexOf('.');
    if (dot <= path.lastIndexOf('/') + 1) {
      return "";
    }
    String ending = path.substring(dot).toLowerCase(Locale.ROOT);
    return SYNONYMS.getOrDefault(ending, ending);
  }
}
