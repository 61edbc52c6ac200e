package io.antiphon.data.store;

import io.antiphon.data.Sha256;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Writes token stores without Spark. */
public final class HandmadeStore {
  private HandmadeStore() {}

  /** A store with the same sequences in both splits, in shards of {@code perShard}. */
  public static StoreLocation write(
      Path directory, int vocabulary, int endOfText, List<int[]> sequences, int perShard)
      throws IOException {
    int length = sequences.get(0).length - 1;
    ShardFormat format = ShardFormat.of(vocabulary, length);
    List<StoreManifest.Shard> shards = new ArrayList<>();
    for (int first = 0; first < sequences.size(); first += perShard) {
      List<int[]> part = sequences.subList(first, Math.min(sequences.size(), first + perShard));
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      bytes.write(format.header(part.size()));
      for (int[] sequence : part) {
        bytes.write(format.encode(sequence));
      }
      byte[] content = bytes.toByteArray();
      String name = "shard-" + shards.size() + ".tokens";
      Files.write(directory.resolve(name), content);
      shards.add(new StoreManifest.Shard(name, part.size(), content.length, Sha256.hex(content)));
    }
    long tokens = (long) sequences.size() * length + 1;
    StoreManifest.Part part =
        new StoreManifest.Part(1, tokens, tokens, sequences.size(), 0, shards);
    StoreManifest manifest =
        new StoreManifest(
            StoreManifest.FORMAT,
            ShardFormat.VERSION,
            "0123",
            "test",
            "test",
            vocabulary,
            endOfText,
            length,
            5,
            "by hand",
            1,
            0,
            0,
            part,
            part);
    Files.write(directory.resolve(StoreManifest.FILE), manifest.toJson());
    return new StoreLocation(directory.toUri().toString(), Map.of());
  }

  /** Sequences that start with their index; tokens stay below {@code vocabulary}. */
  public static List<int[]> numbered(int sequences, int length, int vocabulary) {
    List<int[]> numbered = new ArrayList<>();
    for (int i = 0; i < sequences; i++) {
      int[] tokens = new int[length + 1];
      for (int t = 0; t <= length; t++) {
        tokens[t] = (i + 7 * t) % vocabulary;
      }
      numbered.add(tokens);
    }
    return numbered;
  }
}
