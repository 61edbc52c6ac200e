package io.antiphon.train.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import io.antiphon.data.Sha256;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Small checkpoints whose contents follow from step and attempt. */
final class TestCheckpoints {
  private TestCheckpoints() {}

  /** Checkpoints that must not warn. */
  static Checkpoints on(CheckpointFiles files) {
    return new Checkpoints(
        files,
        warning -> {
          throw new AssertionError("unexpected warning: " + warning);
        });
  }

  static CheckpointManifest save(Checkpoints checkpoints, long step, String attempt, int ranks) {
    List<ShardInfo> shards = new ArrayList<>();
    for (int rank = 0; rank < ranks; rank++) {
      shards.add(write(checkpoints, step, attempt, rank, ranks));
    }
    return checkpoints.commit(step, shards, meta(step, ranks));
  }

  /** Writes one rank's shard, and carries the report as the collectives would. */
  static ShardInfo write(Checkpoints checkpoints, long step, String attempt, int rank, int ranks) {
    List<TensorEntry> entries = new ArrayList<>();
    for (TensorSpec spec : specs(rank, ranks)) {
      entries.add(Tensors.of(spec.name(), spec.dtype(), spec.shape(), seed(step, attempt)));
    }
    return ShardInfo.decode(checkpoints.begin(step, rank, attempt).write(entries).encode());
  }

  static CheckpointMeta meta(long step, int ranks) {
    String settings = "name = \"run\"\nschedule.steps = 100\n";
    return new CheckpointMeta(
        step * 64,
        new World(ranks, ranks),
        settings,
        Sha256.hex(settings.getBytes(StandardCharsets.UTF_8)),
        Scalars.none().withWhole("skippedUpdates", step).withReal("loss", 1.0 / step),
        "antiphon test");
  }

  /** Six experts spread over the ranks, and what rank 0 alone writes; the last rank may be idle. */
  static List<TensorSpec> specs(int rank, int ranks) {
    List<TensorSpec> specs = new ArrayList<>();
    if (rank == 0) {
      specs.add(new TensorSpec("embedding.weight", StoredType.F32, List.of(7L, 3L)));
      specs.add(new TensorSpec("layers.0.moe.router.bias", StoredType.F64, List.of(6L)));
      specs.add(new TensorSpec("step", StoredType.I64, List.of()));
      specs.add(new TensorSpec("empty", StoredType.U8, List.of(0L, 4L)));
    }
    for (int expert = rank; expert < 6; expert += ranks) {
      String name = "layers.0.moe.experts." + expert + ".fc1.weight";
      specs.add(new TensorSpec(name, StoredType.F32, List.of(3L, 5L)));
      specs.add(new TensorSpec(name + "#adam.m", StoredType.F32, List.of(3L, 5L)));
      specs.add(new TensorSpec(name + "#adam.v", StoredType.BF16, List.of(3L, 5L)));
    }
    return specs;
  }

  static long seed(long step, String attempt) {
    return step * 1000 + attempt.hashCode();
  }

  /** Checks every byte of a checkpoint that {@link #save} wrote. */
  static void requireContents(Checkpoints checkpoints, CheckpointManifest manifest) {
    int ranks = manifest.meta().world().ranks();
    assertThat(manifest.meta()).isEqualTo(meta(manifest.step(), ranks));
    try (CheckpointReader reader = checkpoints.open(manifest)) {
      reader.verifyAll();
      for (TensorSpec spec : specs(0, 1)) {
        assertThat(manifest.tensor(spec.name())).contains(spec);
        assertThat(read(reader, spec.name()))
            .as(spec.name())
            .isEqualTo(Tensors.bytes(spec, seed(manifest.step(), manifest.attempt())));
      }
    }
  }

  /** All bytes of a tensor in a checkpoint. */
  static byte[] read(CheckpointReader reader, String name) {
    byte[] bytes = new byte[Math.toIntExact(reader.manifest().tensor(name).orElseThrow().bytes())];
    reader.read(name, 0, ByteBuffer.wrap(bytes));
    return bytes;
  }
}
