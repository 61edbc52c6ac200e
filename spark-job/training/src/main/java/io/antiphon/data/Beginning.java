package io.antiphon.data;

import java.io.IOException;
import java.io.InputStream;
import java.io.PushbackInputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** The first bytes of a file, by which formats that are no text are known, whatever its name. */
public final class Beginning {
  private static final int BYTES = 512;

  /**
   * A file that is no plain text.
   *
   * @param kind what it is, as in "is a zip archive"
   * @param remedy what to do
   */
  public record Foreign(String kind, String remedy) {}

  /**
   * A format.
   *
   * @param offset at which its mark is
   * @param mark bytes, one per character
   */
  private record Format(int offset, String mark, Foreign foreign) {
    private Format(String mark, String kind, String remedy) {
      this(0, mark, new Foreign(kind, remedy));
    }

    private boolean fits(byte[] beginning) {
      byte[] wanted = mark.getBytes(StandardCharsets.ISO_8859_1);
      return beginning.length >= offset + wanted.length
          && Arrays.equals(beginning, offset, offset + wanted.length, wanted, 0, wanted.length);
    }
  }

  private static final String UNPACK = "unpack it first";
  private static final String UTF_8 = "convert it to UTF-8, as iconv does";
  private static final List<Format> FORMATS =
      List.of(
          new Format(
              "\u001f\u008b", "is compressed with gzip", "give it a name that ends with .gz"),
          new Format(
              "(\u00b5/\u00fd", "is compressed with zstd", "give it a name that ends with .zst"),
          new Format(
              "BZh91AY&SY", "is compressed with bzip2", "give it a name that ends with .bz2"),
          new Format("\u00fd7zXZ\u0000", "is compressed with xz", UNPACK),
          new Format("PK\u0003\u0004", "is a zip archive", UNPACK),
          new Format("PK\u0005\u0006", "is an empty zip archive", "remove it"),
          new Format("7z\u00bc\u00af'\u001c", "is a 7z archive", UNPACK),
          new Format("Rar!\u001a\u0007", "is a rar archive", UNPACK),
          new Format("\u0004\"M\u0018", "is compressed with lz4", UNPACK),
          new Format("\u00ff\u0006\u0000\u0000sNaPpY", "is compressed with snappy", UNPACK),
          new Format("\u001f\u009d", "is compressed with compress", UNPACK),
          new Format(257, "ustar", new Foreign("is a tar archive", UNPACK)),
          new Format("PAR1", "is a Parquet file", "name it in data.parquet"),
          new Format("Obj\u0001", "is an Avro file", "read it with data.sql"),
          new Format("%PDF-", "is a PDF document", "convert it to text first"),
          new Format("\u0000\u0000\u00fe\u00ff", "is UTF-32", UTF_8),
          new Format("\u00ff\u00fe", "is UTF-16", UTF_8),
          new Format("\u00fe\u00ff", "is UTF-16", UTF_8),
          new Format(
              "version https://git-lfs.github.com/spec/",
              "is a Git LFS pointer, which stands for the file",
              "fetch the file itself with 'git lfs pull'"));

  private final InputStream whole;
  private final byte[] bytes;

  /** Reads the beginning; {@link #whole} gives it again. */
  public Beginning(InputStream in) throws IOException {
    PushbackInputStream again = new PushbackInputStream(in, BYTES);
    bytes = in.readNBytes(BYTES);
    again.unread(bytes);
    whole = again;
  }

  /** The stream from its first byte on. */
  public InputStream whole() {
    return whole;
  }

  /** What the file is, if it is no plain text. */
  public Optional<Foreign> foreign() {
    return FORMATS.stream().filter(format -> format.fits(bytes)).map(Format::foreign).findFirst();
  }
}
