package io.antiphon.data.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.antiphon.data.DataException;
import io.antiphon.data.Split;
import io.antiphon.train.RankBatches;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PackedStoreTest {
  private static final int LENGTH = 4;
  private static final int SEQUENCES = 100;

  private final Path directory;

  PackedStoreTest(@TempDir Path directory) {
    this.directory = directory;
  }

  @ParameterizedTest
  @ValueSource(ints = {257, 65536, 65537, 200_000})
  void sequencesComeBackInStoredOrderInTheFirstEpoch(int vocabulary) throws Exception {
    List<int[]> written = HandmadeStore.numbered(SEQUENCES, LENGTH, vocabulary);
    written.get(3)[2] = vocabulary - 1;
    StoreLocation location = HandmadeStore.write(directory, vocabulary, 1, written, 33);
    for (Split split : Split.values()) {
      try (PackedStore store = PackedStore.open(location, split)) {
        assertThat(store.sequences()).isEqualTo(SEQUENCES);
        assertThat(store.vocabulary()).isEqualTo(vocabulary);
        int[] tokens = new int[LENGTH + 3];
        for (int i = 0; i < SEQUENCES; i++) {
          store.read(i, tokens, 2);
          assertThat(tokens).startsWith(0, 0).endsWith(written.get(i));
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1 << 20})
  void laterEpochsArePermutationsThatAResumedRunRepeats(long inMemoryBytes) throws Exception {
    StoreLocation location = store();
    List<Integer> walked = new ArrayList<>();
    try (PackedStore store = PackedStore.open(location, Split.TRAIN, inMemoryBytes)) {
      for (int i = 0; i < 4 * SEQUENCES; i++) {
        walked.add(first(store, i));
      }
    }
    for (int epoch = 0; epoch < 4; epoch++) {
      Set<Integer> seen = new HashSet<>(walked.subList(epoch * 100, epoch * 100 + 100));
      assertThat(seen).as("epoch %d", epoch).hasSize(SEQUENCES);
    }
    assertThat(walked.subList(100, 200)).isNotEqualTo(walked.subList(200, 300));
    try (PackedStore resumed = PackedStore.open(location, Split.TRAIN, inMemoryBytes)) {
      for (int position : new int[] {399, 137, 250}) {
        assertThat(first(resumed, position)).isEqualTo(walked.get(position));
      }
    }
  }

  @Test
  void validationIsAlwaysReadInStoredOrder() throws Exception {
    try (PackedStore store = PackedStore.open(store(), Split.VALIDATION)) {
      for (int i = 0; i < 3 * SEQUENCES; i++) {
        assertThat(first(store, i)).isEqualTo(i % SEQUENCES);
      }
    }
  }

  @Test
  void batchesWrapThroughEpochsWhenAnEpochIsShorterThanOne() throws Exception {
    RankBatches.Share share = new RankBatches.Share(1, 2, 256, 4);
    PackedStore store = PackedStore.open(store(), Split.TRAIN);
    try (RankBatches batches = RankBatches.open(store, share, 3, 2)) {
      assertThat(batches.next()).hasSize(128 * (LENGTH + 1));
    }
  }

  @Test
  void aChangedShardIsFoundBeforeItsFirstSequenceIsReturned() throws Exception {
    StoreLocation location = store();
    Path shard = directory.resolve("shard-1.tokens");
    byte[] content = Files.readAllBytes(shard);
    content[content.length - 1] ^= 1;
    Files.write(shard, content);
    try (PackedStore store = PackedStore.open(location, Split.TRAIN)) {
      first(store, 0); // of another shard
      assertThatThrownBy(() -> first(store, 33))
          .isInstanceOf(DataException.class)
          .hasMessageContaining("shard-1.tokens")
          .hasMessageContaining("checksum");
    }
  }

  @Test
  void aBitThatFlippedBesideHadoopsChecksumNamesTheRemedy() throws Exception {
    StoreLocation location = store();
    for (int shard = 0; shard < 2; shard++) {
      Path file = directory.resolve("shard-" + shard + ".tokens");
      byte[] content = Files.readAllBytes(file);
      try (OutputStream out =
          location.fileSystem().create(location.path(file.getFileName().toString()))) {
        out.write(content); // and its .crc file
      }
      assertThat(directory.resolve("." + file.getFileName() + ".crc")).exists();
      content[shard == 0 ? content.length - 1 : 3] ^= 1;
      Files.write(file, content);
      assertThatThrownBy(
              () -> {
                try (PackedStore store = PackedStore.open(location, Split.TRAIN)) {
                  first(store, 0);
                }
              })
          .isInstanceOf(DataException.class)
          .hasMessageContaining("delete the store's directory, the next run builds it again");
      content[shard == 0 ? content.length - 1 : 3] ^= 1;
      Files.write(file, content);
    }
  }

  @Test
  void truncatedMissingAndForeignShardsAreFoundWhenOpened() throws Exception {
    StoreLocation location = store();
    Path shard = directory.resolve("shard-2.tokens");
    byte[] content = Files.readAllBytes(shard);
    Files.write(shard, Arrays.copyOf(content, content.length - 1));
    assertOpeningFails(location, "its manifest says");
    byte[] foreign = content.clone();
    foreign[0] = 'X';
    Files.write(shard, foreign);
    assertOpeningFails(location, "is not a token shard");
    byte[] other = content.clone();
    ByteBuffer.wrap(other).order(ByteOrder.LITTLE_ENDIAN).putLong(24, Long.MAX_VALUE);
    Files.write(shard, other);
    assertOpeningFails(location, "another format");
    Files.delete(shard);
    assertOpeningFails(location, "lacks a shard");
  }

  @Test
  void hostileManifestsAreErrorsNotMemory() throws Exception {
    StoreLocation location = store();
    Path manifest = directory.resolve(StoreManifest.FILE);
    String good = Files.readString(manifest);
    String[][] changes = {
      {"\"sequenceLength\" : 4", "\"sequenceLength\" : 2147483647"},
      {"\"sequenceLength\" : 4", "\"sequenceLength\" : 1000000"},
      {"\"vocabulary\" : 257", "\"vocabulary\" : 2147483647"},
      {"\"vocabulary\" : 257", "\"vocabulary\" : -1"},
      {"\"endOfText\" : 1", "\"endOfText\" : 257"},
      {"\"sequences\" : 33", "\"sequences\" : 9223372036854775807"},
      {"\"sequences\" : 100", "\"sequences\" : 1000000000000"},
      {"\"sequences\" : 33", "\"sequences\" : 1152921504606846976"},
      {"shard-0.tokens", "../shard-0.tokens"},
      {"\"shard-0.tokens\"", "\"\""},
      {"shard-0.tokens", "train-a::::b.tokens"},
      {"shard-0.tokens", ".."},
      {"shard-0.tokens", "a b"},
      {"\"sha256\" : \"", "\"sha256\" : \"x"},
      {"\"version\" : 1", "\"version\" : 2"},
      {"\"train\" :", "\"trains\" :"},
      {"\"seed\" : 5", "\"seed\" : null"},
      {"{", "["},
    };
    for (String[] change : changes) {
      assertThat(good).contains(change[0]);
      Files.writeString(manifest, good.replace(change[0], change[1]));
      assertThatThrownBy(() -> PackedStore.open(location, Split.TRAIN))
          .as(change[1])
          .isInstanceOf(DataException.class);
    }
    Files.writeString(manifest, "null");
    assertOpeningFails(location, "not a usable manifest");
    Files.writeString(manifest, good.substring(0, good.length() / 2));
    assertOpeningFails(location, "not a usable manifest");
    Files.delete(manifest);
    assertOpeningFails(location, "no token store at");
  }

  @Test
  void tokensBeyondTheVocabularyAreAnError() throws Exception {
    List<int[]> sequences = HandmadeStore.numbered(5, LENGTH, 257);
    sequences.get(2)[1] = 300;
    StoreLocation location = HandmadeStore.write(directory, 257, 1, sequences, 5);
    try (PackedStore store = PackedStore.open(location, Split.TRAIN)) {
      assertThatThrownBy(() -> first(store, 2))
          .isInstanceOf(DataException.class)
          .hasMessageContaining("token 300");
    }
  }

  @Test
  void theContentDigestIgnoresWhereTheTextsCameFrom() throws Exception {
    StoreManifest first = store().manifest();
    Path manifest = directory.resolve(StoreManifest.FILE);
    String changed = Files.readString(manifest).replace("0123", "4567");
    Files.writeString(manifest, changed);
    StoreLocation location = new StoreLocation(directory.toUri().toString(), Map.of());
    assertThat(location.manifest().fingerprint()).isEqualTo("4567");
    assertThat(location.manifest().contentDigest()).isEqualTo(first.contentDigest());
    Files.writeString(manifest, changed.replace("\"seed\" : 5", "\"seed\" : 6"));
    assertThat(location.manifest().contentDigest()).isNotEqualTo(first.contentDigest());
  }

  private StoreLocation store() throws IOException {
    return HandmadeStore.write(
        directory, 257, 1, HandmadeStore.numbered(SEQUENCES, LENGTH, 257), 33);
  }

  private static int first(PackedStore store, long position) {
    int[] tokens = new int[LENGTH + 1];
    store.read(position, tokens, 0);
    return tokens[0];
  }

  private static void assertOpeningFails(StoreLocation location, String message) {
    assertThatThrownBy(() -> PackedStore.open(location, Split.TRAIN))
        .isInstanceOf(DataException.class)
        .hasMessageContaining(message);
  }
}
