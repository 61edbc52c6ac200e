package io.antiphon.data.store;

import io.antiphon.data.DataException;
import io.antiphon.data.Split;
import io.antiphon.train.SequenceSource;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One split of a packed token store, read in training order.
 *
 * <p>The training split is read in stored order first (it was shuffled when it was packed) and
 * reshuffled by seed and epoch from the second epoch on; the validation split is always read in
 * stored order. Any position is reached at once, so a resumed run reads on exactly where it
 * stopped.
 *
 * <p>Opening checks the manifest and size and header of every shard; a shard's checksum is verified
 * before its first sequence is returned. Splits of up to 16 MiB are held in memory once read, of
 * larger ones only a few windows of 256 KiB.
 */
public final class PackedStore implements SequenceSource {
  private static final long IN_MEMORY_BYTES = 16L << 20;
  private static final int WINDOW_BYTES = 256 << 10;
  private static final int MIN_WINDOW_SEQUENCES = 16;
  // A block of the order is as long as a window but starts anywhere, so it may touch three of them.
  private static final int WINDOWS = 4;

  private record WindowKey(int shard, long window) {}

  private final StoreManifest manifest;
  private final List<StoreManifest.Shard> shards;
  private final ShardFiles files;
  private final EpochOrder order;
  private final long sequences;
  private final long[] firstSequence;
  private final int windowSequences;
  private final int maxWindows;
  private final Map<WindowKey, ByteBuffer> windows = new LinkedHashMap<>(16, 0.75f, true);

  private PackedStore(
      StoreManifest manifest, Split split, ShardFiles files, EpochOrder order, boolean inMemory) {
    this.manifest = manifest;
    this.shards = manifest.part(split).shards();
    this.files = files;
    this.order = order;
    this.sequences = manifest.part(split).sequences();
    this.windowSequences = windowSequences(manifest.shardFormat());
    this.maxWindows = inMemory ? Integer.MAX_VALUE : WINDOWS;
    this.firstSequence = new long[shards.size()];
    for (int i = 1; i < firstSequence.length; i++) {
      firstSequence[i] = firstSequence[i - 1] + shards.get(i - 1).sequences();
    }
  }

  /**
   * Opens a split.
   *
   * @throws DataException if the store is missing, broken, or has no sequences of this split
   */
  public static PackedStore open(StoreLocation location, Split split) {
    return open(location, split, IN_MEMORY_BYTES);
  }

  /**
   * Does what {@link #open(StoreLocation, Split)} does, with another limit for splits in memory.
   */
  static PackedStore open(StoreLocation location, Split split, long inMemoryBytes) {
    StoreManifest manifest = location.manifest();
    long sequences = manifest.part(split).sequences();
    if (sequences == 0) {
      throw new DataException(
          "the token store at "
              + location.directory()
              + " has no "
              + split.label()
              + " sequences; set data.validation-fraction above 0 to get some");
    }
    ShardFormat format = manifest.shardFormat();
    ShardFiles files = ShardFiles.open(location, manifest, split);
    boolean inMemory = format.fileBytes(sequences) <= inMemoryBytes;
    int block = inMemory ? 1 : windowSequences(format);
    EpochOrder order =
        split == Split.VALIDATION
            ? EpochOrder.asStored(sequences)
            : EpochOrder.reshuffled(sequences, block, manifest.seed());
    return new PackedStore(manifest, split, files, order, inMemory);
  }

  /** What the store says about itself. */
  public StoreManifest manifest() {
    return manifest;
  }

  @Override
  public int sequenceLength() {
    return manifest.sequenceLength();
  }

  @Override
  public long sequences() {
    return sequences;
  }

  @Override
  public int vocabulary() {
    return manifest.vocabulary();
  }

  @Override
  public int endOfText() {
    return manifest.endOfText();
  }

  /**
   * {@inheritDoc}
   *
   * @throws DataException if the shard changed since it was written, or cannot be read
   */
  @Override
  public void read(long position, int[] tokens, int offset) {
    long stored = order.stored(position);
    int found = Arrays.binarySearch(firstSequence, stored);
    int shard = found >= 0 ? found : -found - 2;
    long inShard = stored - firstSequence[shard];
    ByteBuffer window = window(shard, inShard / windowSequences);
    ShardFormat format = manifest.shardFormat();
    int at = (int) (inShard % windowSequences) * format.sequenceBytes();
    for (int i = 0; i <= format.sequenceLength(); i++) {
      int token =
          format.tokenBytes() == 2
              ? Short.toUnsignedInt(window.getShort(at + 2 * i))
              : window.getInt(at + 4 * i);
      if (token < 0 || token >= manifest.vocabulary()) {
        throw new DataException(
            "token shard "
                + shards.get(shard).file()
                + " holds token "
                + token
                + ", its vocabulary has "
                + manifest.vocabulary()
                + "; delete the store's directory, the next run builds it again");
      }
      tokens[offset + i] = token;
    }
  }

  @Override
  public void close() {
    windows.clear();
    files.close();
  }

  private ByteBuffer window(int shard, long window) {
    WindowKey key = new WindowKey(shard, window);
    ByteBuffer cached = windows.get(key);
    if (cached != null) {
      return cached;
    }
    if (windows.size() >= maxWindows) {
      windows.remove(windows.keySet().iterator().next()); // least recently used
    }
    long first = window * windowSequences;
    long count = Math.min(windowSequences, shards.get(shard).sequences() - first);
    ByteBuffer loaded = files.read(shard, first, (int) count);
    windows.put(key, loaded);
    return loaded;
  }

  private static int windowSequences(ShardFormat format) {
    return Math.max(MIN_WINDOW_SEQUENCES, WINDOW_BYTES / format.sequenceBytes());
  }
}
