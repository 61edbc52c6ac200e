package io.antiphon.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.antiphon.conf.ConfigException;
import io.antiphon.conf.Settings;
import io.antiphon.conf.SettingsReader;
import io.antiphon.conf.SettingsWriter;
import io.antiphon.train.TrainingData;
import io.antiphon.train.checkpoint.CheckpointMeta;
import io.antiphon.train.checkpoint.Checkpoints;
import io.antiphon.train.checkpoint.Scalars;
import io.antiphon.train.checkpoint.ShardInfo;
import io.antiphon.train.checkpoint.World;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunDirectoryTest {
  private final Settings settings = SettingsReader.preset("quickstart", List.of());
  private final Path path;

  RunDirectoryTest(@TempDir Path directory) {
    this.path = directory.resolve("run");
  }

  @Test
  void isMadeAndHoldsTheEffectiveSettings() {
    try (RunDirectory directory = RunDirectory.hold(path, LocalCheckpoints::open)) {
      assertThat(directory.record(settings)).isZero();
      assertThat(directory.isComplete()).isFalse();
    }
    assertThat(SettingsReader.file(path.resolve("config.conf"), List.of())).isEqualTo(settings);
  }

  @Test
  void isHeldByOneAtATimeAndALockThatWasLeftBehindMeansNothing() throws IOException {
    Files.createDirectories(path);
    Files.writeString(path.resolve("run.lock"), "process 1");
    try (RunDirectory directory = RunDirectory.hold(path, LocalCheckpoints::open)) {
      assertThat(directory.record(settings)).isZero();
      assertThatThrownBy(() -> RunDirectory.hold(path, LocalCheckpoints::open))
          .isInstanceOf(ConfigException.class)
          .hasMessageContaining(
              "another process trains there: process " + ProcessHandle.current().pid());
    }
  }

  @Test
  void isOpenToARunUntilThatIsComplete() throws IOException {
    assertThat(RunDirectory.isOpenTo(settings, path, LocalCheckpoints::open)).isTrue();
    Files.createDirectories(path);
    Files.writeString(path.resolve("summary.json"), "{\"outcome\": \"interrupted\"}");
    assertThat(RunDirectory.isOpenTo(settings, path, LocalCheckpoints::open)).isTrue();
    Files.writeString(path.resolve("summary.json"), "{\"outcome\" : \"completed\"}");
    assertThat(RunDirectory.isOpenTo(settings, path, LocalCheckpoints::open)).isFalse();
    Files.writeString(path.resolve("summary.json"), "{\"outc");
    assertThat(RunDirectory.isOpenTo(settings, path, LocalCheckpoints::open)).isTrue();
  }

  @Test
  void goesOnWithTheSameContentUnderAnyName() {
    checkpoint(Scalars.none().withText("sequencesDigest", "s").withText("tokenizerDigest", "t"));
    Settings elsewhere = settings.with(List.of("data.text=moved", "data.tokenizer=moved.json"));
    try (RunDirectory directory = RunDirectory.hold(path, LocalCheckpoints::open)) {
      assertThat(directory.record(elsewhere)).isEqualTo(1);
      directory.requireSame(new TrainingData("s", "t"), elsewhere);

      assertRefused(
          directory, "s2", "t", "data.text = moved\n    cannot resume: gives other sequences");
      assertRefused(
          directory, "s2", "t2", "data.tokenizer = moved.json\n    cannot resume: is another");
      assertRefused(
          directory, TrainingData.WITHOUT_SPARK + "s", "t", "another order with Spark, as");
    }
    assertThat(RunDirectory.isOpenTo(elsewhere, path, LocalCheckpoints::open))
        .as("without --run-dir another name is another run")
        .isFalse();
  }

  @Test
  void keepsItsSettingsWhenOthersAreRefused() throws IOException {
    checkpoint(Scalars.none().withText("sequencesDigest", "s").withText("tokenizerDigest", "t"));
    Path recorded = path.resolve("config.conf");
    Files.writeString(recorded, "# as they were");
    Settings elsewhere = settings.with(List.of("data.text=moved"));
    try (RunDirectory directory = RunDirectory.hold(path, LocalCheckpoints::open)) {
      directory.record(elsewhere);
      assertThatThrownBy(() -> directory.requireSame(new TrainingData("s2", "t"), elsewhere))
          .isInstanceOf(ConfigException.class);
      assertThat(recorded).hasContent("# as they were");

      directory.requireSame(new TrainingData("s", "t"), elsewhere);
      assertThat(recorded).content().contains("moved");
    }
  }

  private static void assertRefused(
      RunDirectory directory, String sequences, String tokenizer, String says) {
    Settings elsewhere =
        SettingsReader.preset(
            "quickstart", List.of("data.text=moved", "data.tokenizer=moved.json"));
    assertThatThrownBy(
            () -> directory.requireSame(new TrainingData(sequences, tokenizer), elsewhere))
        .isInstanceOf(ConfigException.class)
        .hasMessageStartingWith("1 problem ")
        .hasMessageContaining(says);
  }

  @Test
  void takesAnOldCheckpointByItsNames() {
    checkpoint(Scalars.none());
    try (RunDirectory directory = RunDirectory.hold(path, LocalCheckpoints::open)) {
      assertThat(directory.record(settings)).isEqualTo(1);
      directory.requireSame(new TrainingData("s", "t"), settings);
      assertThatThrownBy(() -> directory.record(settings.with(List.of("data.text=moved"))))
          .isInstanceOf(ConfigException.class)
          .hasMessageContaining("data.text was classpath:corpus, now moved");
    }
  }

  private void checkpoint(Scalars scalars) {
    Checkpoints checkpoints = LocalCheckpoints.open(path.resolve("checkpoints").toString());
    ShardInfo shard = checkpoints.begin(1, 0, "attempt").write(List.of());
    checkpoints.commit(
        1,
        List.of(shard),
        new CheckpointMeta(
            0,
            new World(1, 1),
            SettingsWriter.render(settings),
            settings.fingerprint(),
            scalars,
            "test"));
  }

  @Test
  void isMadeForItsOwnerOnlyButKeepsTheRightsItHas() throws IOException {
    Path parent = path.resolveSibling("runs");
    RunDirectory.hold(parent.resolve("mine"), LocalCheckpoints::open).close();
    assertThat(rights(parent.resolve("mine"))).isEqualTo("rwx------");
    Files.createDirectories(path);
    Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwxrwx---"));
    RunDirectory.hold(path, LocalCheckpoints::open).close();
    assertThat(rights(path)).isEqualTo("rwxrwx---");
  }

  private static String rights(Path path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }

  @Test
  void overwritesNothingThroughALinkInPlaceOfItsLock() throws IOException {
    Path victim = Files.writeString(path.resolveSibling("victim.txt"), "precious");
    Files.createDirectories(path);
    Files.createSymbolicLink(path.resolve("run.lock"), victim);
    assertThatThrownBy(() -> RunDirectory.hold(path, LocalCheckpoints::open))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("run.lock: is a symbolic link; remove it");
    assertThat(RunDirectory.isOpenTo(settings, path, LocalCheckpoints::open)).isTrue();
    assertThat(victim).hasContent("precious");
  }

  @Test
  void saysThatItsPathIsALinkToNothing() throws IOException {
    Files.createSymbolicLink(path, path.resolveSibling("gone"));
    for (Path run : List.of(path, path.resolve("below"))) {
      assertThatThrownBy(() -> RunDirectory.hold(run, LocalCheckpoints::open))
          .isInstanceOf(ConfigException.class)
          .hasMessageContaining(
              "%s is a symbolic link to %s, which is not there", path, path.resolveSibling("gone"));
    }
  }

  @Test
  void showsNoControlCharactersOfWhoeverHoldsIt() throws IOException {
    Files.createDirectories(path);
    try (FileChannel lock =
            FileChannel.open(
                path.resolve("run.lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock held = lock.lock()) {
      lock.write(ByteBuffer.wrap("\u001b[2Jprocess 1\nforged".getBytes(StandardCharsets.UTF_8)));
      assertThat(held.isValid()).isTrue();
      assertThatThrownBy(() -> RunDirectory.hold(path, LocalCheckpoints::open))
          .hasMessageContaining("another process trains there: ?[2Jprocess 1?forged\n");
    }
  }
}
