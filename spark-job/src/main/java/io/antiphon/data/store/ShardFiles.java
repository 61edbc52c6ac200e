package io.antiphon.data.store;

import io.antiphon.data.DataException;
import io.antiphon.data.Sha256;
import io.antiphon.data.Split;
import io.antiphon.data.files.Failures;
import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.util.BitSet;
import java.util.HexFormat;
import java.util.List;
import org.apache.hadoop.fs.ChecksumException;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.FileSystem;
import org.jspecify.annotations.Nullable;

/** The shard files of one split: checked when opened, verified before first use, read in ranges. */
final class ShardFiles implements AutoCloseable {
  private static final int CHUNK_BYTES = 1 << 20;
  private static final String REBUILD =
      "; delete the store's directory, the next run builds it again";

  private final StoreLocation location;
  private final FileSystem files;
  private final ShardFormat format;
  private final List<StoreManifest.Shard> shards;
  private final BitSet verified = new BitSet();
  private int openShard = -1;
  private @Nullable FSDataInputStream stream; // of openShard; neighbours are read from one shard

  private ShardFiles(
      StoreLocation location,
      FileSystem files,
      ShardFormat format,
      List<StoreManifest.Shard> shards) {
    this.location = location;
    this.files = files;
    this.format = format;
    this.shards = shards;
  }

  /**
   * Checks size and header of every shard.
   *
   * @throws DataException if one is missing or differs from the manifest
   */
  static ShardFiles open(StoreLocation location, StoreManifest manifest, Split split) {
    String directory = location.directory();
    try {
      FileSystem files = location.fileSystem();
      ShardFormat format = manifest.shardFormat();
      List<StoreManifest.Shard> shards = manifest.part(split).shards();
      for (StoreManifest.Shard shard : shards) {
        requireUnchanged(location, files, format, shard);
      }
      return new ShardFiles(location, files, format, shards);
    } catch (FileNotFoundException missing) {
      throw new DataException(
          "the token store at " + directory + " lacks a shard: " + reason(missing) + REBUILD,
          missing);
    } catch (ChecksumException | EOFException damaged) {
      throw new DataException(
          "the token store at " + directory + " is damaged: " + reason(damaged) + REBUILD, damaged);
    } catch (IOException | FSError failure) {
      throw new DataException(
          "cannot read the token store at " + directory + ": " + reason(failure), failure);
    }
  }

  /**
   * Reads neighbouring sequences of one shard.
   *
   * @param first index in the shard
   * @return little-endian tokens of {@code count} sequences
   */
  ByteBuffer read(int shard, long first, int count) {
    StoreManifest.Shard of = shards.get(shard);
    try {
      if (!verified.get(shard)) {
        verify(of);
        verified.set(shard);
      }
      FSDataInputStream in = stream(shard);
      byte[] window = new byte[Math.multiplyExact(count, format.sequenceBytes())];
      in.readFully(format.fileBytes(first), window);
      return ByteBuffer.wrap(window).order(ByteOrder.LITTLE_ENDIAN);
    } catch (EOFException truncated) {
      throw new DataException(name(of) + " was truncated while in use" + REBUILD, truncated);
    } catch (ChecksumException damaged) { // Hadoop's own, beside each file on a local disk
      throw new DataException(
          name(of) + " does not have the checksum it was written with" + REBUILD, damaged);
    } catch (IOException | FSError failure) {
      throw new DataException("cannot read " + name(of) + ": " + reason(failure), failure);
    }
  }

  @Override
  public void close() {
    FSDataInputStream open = stream;
    stream = null;
    openShard = -1;
    if (open != null) {
      try {
        open.close();
      } catch (IOException | FSError failure) {
        throw new DataException("cannot close a shard: " + reason(failure), failure);
      }
    }
  }

  private FSDataInputStream stream(int shard) throws IOException {
    FSDataInputStream open = stream;
    if (open == null || openShard != shard) {
      close();
      open = files.open(location.path(shards.get(shard).file()));
      stream = open;
      openShard = shard;
    }
    return open;
  }

  private void verify(StoreManifest.Shard shard) throws IOException {
    MessageDigest digest = Sha256.digest();
    try (FSDataInputStream in = files.open(location.path(shard.file()))) {
      byte[] chunk = new byte[(int) Math.min(CHUNK_BYTES, shard.bytes())];
      for (int read = in.read(chunk); read >= 0; read = in.read(chunk)) {
        digest.update(chunk, 0, read);
      }
    }
    if (!HexFormat.of().formatHex(digest.digest()).equals(shard.sha256())) {
      throw new DataException(
          name(shard) + " does not have the checksum it was written with" + REBUILD);
    }
  }

  private static void requireUnchanged(
      StoreLocation location, FileSystem files, ShardFormat format, StoreManifest.Shard shard)
      throws IOException {
    String name = location.path(shard.file()).toString();
    long bytes = files.getFileStatus(location.path(shard.file())).getLen();
    if (bytes != shard.bytes() || bytes != format.fileBytes(shard.sequences())) {
      throw new DataException(
          "token shard "
              + name
              + " has "
              + bytes
              + " bytes, its manifest says "
              + shard.bytes()
              + " for "
              + shard.sequences()
              + " sequences"
              + REBUILD);
    }
    byte[] header = new byte[ShardFormat.HEADER_BYTES];
    try (FSDataInputStream in = files.open(location.path(shard.file()))) {
      in.readFully(header);
    }
    format.requireHeader(name, header, shard.sequences());
  }

  private String name(StoreManifest.Shard shard) {
    return "token shard " + location.path(shard.file());
  }

  private static String reason(Throwable failure) {
    return Failures.reason(failure);
  }
}
