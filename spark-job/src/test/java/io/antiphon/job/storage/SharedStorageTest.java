package io.antiphon.job.storage;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;

class SharedStorageTest {
  private static final Map<String, String> LOCAL = Map.of("checkpoint.dir", "/data/run");

  @Test
  void aClusterWithLocalDirectoriesIsAWarning() {
    assertThat(warning("spark://host:7077", LOCAL))
        .get()
        .asString()
        .contains("spark://host:7077", "checkpoint.dir = /data/run", "NFS");
    assertThat(warning("yarn", Map.of("data.cache-dir", "file:///x"))).isPresent();
  }

  @Test
  void oneMachineOrASharedFileSystemIsNone() {
    for (String master : new String[] {"local", "local[4]", "local-cluster[2,1,1024]"}) {
      assertThat(warning(master, LOCAL)).isEmpty();
    }
    assertThat(warning("yarn", Map.of("checkpoint.dir", "webhdfs://namenode/run"))).isEmpty();
    assertThat(warning("yarn", Map.of("checkpoint.dir", "no-such-scheme://x/run"))).isEmpty();
  }

  private static Optional<String> warning(String master, Map<String, String> directories) {
    return SharedStorage.warning(master, directories, new Configuration());
  }
}
