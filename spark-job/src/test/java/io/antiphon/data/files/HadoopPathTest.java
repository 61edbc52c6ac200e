package io.antiphon.data.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.antiphon.data.DataException;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.util.VersionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class HadoopPathTest {
  private final Configuration configuration = new Configuration();

  @ParameterizedTest
  @CsvSource({
    "s3a://bucket/x.txt, org.apache.hadoop.fs.s3a.S3AFileSystem, hadoop-aws",
    "abfs://box@account.dfs.core.windows.net/x, org.apache.hadoop.fs.azurebfs, hadoop-azure",
    "abfss://box@account.dfs.core.windows.net/x, org.apache.hadoop.fs.azurebfs, hadoop-azure",
    "wasb://box@account.blob.core.windows.net/x, org.apache.hadoop.fs.azure, hadoop-azure",
    "gs://bucket/x, org.apache.hadoop.fs.gs, hadoop-gcp",
    "obs://bucket/x, org.apache.hadoop.fs.obs, hadoop-huaweicloud",
  })
  void namesTheModuleOfASchemeWhoseClassIsMissing(String address, String type, String module) {
    String message = refused(address);
    assertThat(message)
        .startsWith("data.text: cannot use '" + address + "': class " + type)
        .endsWith(
            " is not on the class path; start with spark-submit --packages org.apache.hadoop:"
                + module
                + ":"
                + VersionInfo.getVersion());
  }

  @Test
  void asksForTheJarOfAClassThatItDoesNotKnow() {
    configuration.set("fs.own.impl", "com.example.OwnFileSystem");
    assertThat(refused("own://x"))
        .endsWith(
            "class com.example.OwnFileSystem is not on the class path; add its jar with"
                + " spark-submit --packages or --jars");
  }

  @Test
  void explainsAFileSystemThatLacksItsLibraries() {
    configuration.set("fs.half.impl", Half.class.getName());
    assertThat(refused("half://x/y"))
        .contains("its file system lacks software.amazon.awssdk.core.Sdk")
        .contains(VersionInfo.getVersion(), "--packages");
  }

  @ParameterizedTest
  @CsvSource({
    "s3://bucket/x, Hadoop has no file system for s3://; its name there is s3a://",
    "hf://datasets/x, 'Hadoop has no file system for hf://; use a path, or a scheme such as hdfs,"
        + " s3a, abfs or gs'",
    "hdfs:///x, no host in the address hdfs:///x; write hdfs://HOST:PORT/PATH",
    "2024:01.jsonl, 'the name ''2024:01.jsonl'' has a colon, which Hadoop cannot read; rename the"
        + " file'",
    "'', Can not create a Path from an empty string",
  })
  void explainsAddressesThatNoFileSystemTakes(String address, String reason) {
    assertThat(refused(address)).isEqualTo("data.text: cannot use '" + address + "': " + reason);
  }

  @Test
  void saysInOneLineWhatKeepsADirectoryFromBeingWritten(@TempDir Path directory)
      throws IOException {
    Path file = Files.writeString(directory.resolve("file"), "");
    for (Path unwritable : new Path[] {file, file.resolve("below")}) {
      HadoopPath place = HadoopPath.open("data.cache-dir", unwritable.toString(), configuration);
      assertThatThrownBy(place::requireWritable)
          .isInstanceOf(DataException.class)
          .hasMessageStartingWith("data.cache-dir: cannot write to " + unwritable + ": ")
          .hasMessageEndingWith("; set it to a writable directory with enough space")
          .hasMessageNotContaining("\n");
    }
    HadoopPath full =
        HadoopPath.open(
            "data.cache-dir", FullFileSystem.address(directory), FullFileSystem.configuration());
    assertThatThrownBy(full::requireWritable)
        .isInstanceOf(DataException.class)
        .hasMessageContaining(": No space left on device; set it to");
  }

  @Test
  void leavesNothingInADirectoryThatCanBeWritten(@TempDir Path directory) throws IOException {
    Path made = directory.resolve("a/b");
    HadoopPath.open("data.cache-dir", made.toString(), configuration).requireWritable();
    try (var left = Files.list(made)) {
      assertThat(left).isEmpty();
    }
  }

  private String refused(String address) {
    DataException refusal =
        catchThrowableOfType(
            DataException.class, () -> HadoopPath.open("data.text", address, configuration));
    return String.valueOf(refusal.getMessage());
  }

  /** Stands for hadoop-aws without the SDK that it calls. */
  public static final class Half extends RawLocalFileSystem {
    @Override
    public void initialize(URI name, Configuration configuration) {
      throw new NoClassDefFoundError("software/amazon/awssdk/core/Sdk");
    }
  }
}
