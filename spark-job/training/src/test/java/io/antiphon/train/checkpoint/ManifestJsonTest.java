package io.antiphon.train.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

final class ManifestJsonTest {
  private static final String DIRECTORY = "step-00000100";

  @Test
  void writesOneKnownText() {
    assertThat(text(manifest()))
        .isEqualTo(
            "{\"formatVersion\":1,\"writer\":\"antiphon 1\",\"step\":100,\"attempt\":\"app-1\","
                + "\"globalSequencePosition\":6400,\"world\":{\"ranks\":1,\"expertParallel\":1},"
                + "\"settingsFingerprint\":\"f00d\",\"settings\":\"a = \\\"b\\\"\\n\","
                + "\"scalars\":{\"loss\":-0.0,\"phase\":\"m\u00e4in\",\"skipped\":3},"
                + "\"shards\":[{\"rank\":0,\"file\":\"rank-00000.safetensors\",\"bytes\":72,"
                + "\"crc32c\":\"ffffffff\",\"tensors\":[{\"name\":\"w\",\"dtype\":\"BF16\","
                + "\"shape\":[2,3],\"crc32c\":\"0000002a\"}]}],\"crc32c\":\"a23d8059\"}");
  }

  @Test
  void givesBackEveryMember() {
    CheckpointManifest read = decode(text(manifest()));
    assertThat(read).isEqualTo(manifest());
    assertThat(read.meta().scalars().real("loss")).isEqualTo(-0.0);
    assertThat(read.meta().scalars().whole("skipped")).isEqualTo(3);
    assertThat(read.meta().scalars().text("phase")).isEqualTo("m\u00e4in");
    assertThat(read.tensor("w")).contains(new TensorSpec("w", StoredType.BF16, List.of(2L, 3L)));
    assertThat(read.tensor("v")).isEmpty();
  }

  @Test
  void doesNotMindSpaces() {
    String spaced = text(manifest()).replace(",\"", " ,\n\t\"").replace("{", "{ ");
    assertThat(decode(spaced)).isEqualTo(manifest());
  }

  @Test
  void noticesAnyChangedMember() {
    String text = text(manifest());
    for (String[] change :
        new String[][] {
          {"\"step\":100", "\"step\":101"},
          {"6400", "6401"},
          {"a = ", "a : "},
          {"\"skipped\":3", "\"skipped\":3.0"},
          {"-0.0", "0.0"},
          {"BF16", "F32"},
          {"[2,3]", "[3,2]"},
          {"0000002a", "0000002b"},
          {"antiphon 1", "antiphon 2"}
        }) {
      assertThat(text).contains(change[0]);
      assertRefused(text.replace(change[0], change[1]), "the manifest was changed or damaged");
    }
  }

  @Test
  void refusesAnotherFormatVersionBeforeItLooksFurther() {
    assertRefused(
        "{\"formatVersion\":2,\"whatever\":[[[",
        "format version is 2, but this program reads version 1");
  }

  @Test
  void refusesWhatNoWriterWrites() {
    String text = text(manifest());
    assertRefused(text.replace("\"attempt\"", "\"Attempt\""), "expected 'attempt'");
    assertRefused(text.replace("\"attempt\":\"app-1\"", "\"attempt\":\"../x\""), "attempt's id");
    assertRefused(text.replace("rank-00000.", "../rank-00000."), "not a file name of rank 0");
    assertRefused(text.replace("rank-00000.", "rank-00001."), "not a file name of rank 0");
    assertRefused(text.replace("\"ranks\":1", "\"ranks\":2"), "1 shards for a world of 2 ranks");
    assertRefused(text.replace("\"ranks\":1", "\"ranks\":4294967297"), "32-bit");
    assertRefused(text.replace("\"ranks\":1", "\"ranks\":0"), "ranks must be in");
    assertRefused(text.replace("BF16", "F16"), "tensor 'w' has dtype 'F16'; supported are");
    assertRefused(text.replace("ffffffff", "fffffff"), "8 hexadecimal digits");
    assertRefused(text.replace("6400", "-1"), "globalSequencePosition must be >= 0");
    assertRefused(text.replace("-0.0", "1e999"), "scalar 'loss' must be finite");
    assertRefused(text.replace("-0.0", "[1]"), "scalar 'loss' must be a number or string");
    assertRefused(text.replace("phase", "loss"), "scalar 'loss' occurs twice");
    assertRefused(text + "{}", "text after the end");
    assertRefused("", "ends too early");
  }

  @Test
  void refusesATensorInTwoShardsAndARankTwice() {
    StoredShard first = shard(0, "rank-00000.safetensors");
    assertThatThrownBy(() -> manifest(2, List.of(first, shard(1, "rank-00001.safetensors"))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("tensor 'w' is in the shards of ranks 0 and 1; one rank must write it");
    assertThatThrownBy(() -> manifest(2, List.of(first, first)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("second shard of rank 0");
  }

  @Test
  void shardInformationSurvivesItsEncoding() {
    ShardInfo info = new ShardInfo(100, "app-1", shard(0, "rank-00000-app-1.safetensors"));
    assertThat(ShardInfo.decode(info.encode())).isEqualTo(info);
  }

  @Test
  void scalarsAreTyped() {
    Scalars scalars = Scalars.none().withWhole("n", Long.MIN_VALUE).withReal("x", Double.MIN_VALUE);
    assertThat(scalars.names()).containsExactly("n", "x");
    assertThatThrownBy(() -> scalars.real("n"))
        .isInstanceOf(CheckpointException.class)
        .hasMessage("the checkpoint's state has no real number named 'n'; it has '[n, x]'");
    assertThatThrownBy(() -> scalars.text("none")).isInstanceOf(CheckpointException.class);
    assertThatThrownBy(() -> scalars.withReal("y", Double.NaN))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("scalar 'y' must be finite, was NaN");
  }

  private static CheckpointManifest manifest() {
    return manifest(1, List.of(shard(0, "rank-00000.safetensors")));
  }

  private static CheckpointManifest manifest(int ranks, List<StoredShard> shards) {
    Scalars scalars =
        Scalars.none()
            .withWhole("skipped", 3)
            .withReal("loss", -0.0)
            .withText("phase", "m\u00e4in");
    return new CheckpointManifest(
        DIRECTORY,
        100,
        "app-1",
        new CheckpointMeta(
            6400, new World(ranks, ranks), "a = \"b\"\n", "f00d", scalars, "antiphon 1"),
        shards);
  }

  private static StoredShard shard(int rank, String file) {
    TensorSpec spec = new TensorSpec("w", StoredType.BF16, List.of(2L, 3L));
    return new StoredShard(rank, file, 72, 0xffffffffL, List.of(new StoredTensor(spec, 42)));
  }

  private static String text(CheckpointManifest manifest) {
    return new String(ManifestJson.encode(manifest), StandardCharsets.UTF_8);
  }

  private static CheckpointManifest decode(String text) {
    return ManifestJson.decodeManifest(
        new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)), "m", DIRECTORY);
  }

  private static void assertRefused(String text, String reason) {
    assertThatThrownBy(() -> decode(text))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith("m: ")
        .hasMessageContaining(reason);
  }
}
