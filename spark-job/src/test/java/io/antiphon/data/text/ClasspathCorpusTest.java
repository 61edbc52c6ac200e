package io.antiphon.data.text;

import static org.assertj.core.api.Assertions.assertThat;

import io.antiphon.data.Corpus;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClasspathCorpusTest {
  @Test
  void whatAFailedRunLeftGoesWithTheNextSuccess(@TempDir Path cache) throws Exception {
    List<InputFile> first = unpack(cache);
    Path folder = cache.resolve("classpath/corpus");
    Path unpacked = Path.of(first.get(0).path());
    byte[] content = Files.readAllBytes(unpacked);
    Files.write(unpacked, new byte[] {1}); // cut off
    Files.write(folder.resolve(unpacked.getFileName() + ".unpacking-1a"), content);

    assertThat(unpack(cache)).isEqualTo(first);
    assertThat(Files.readAllBytes(unpacked)).isEqualTo(content);
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files.map(Path::toString)).noneMatch(name -> name.contains("unpacking"));
    }
  }

  private static List<InputFile> unpack(Path cache) {
    return ClasspathCorpus.unpack(
        new Corpus.TextFiles("classpath:corpus", Optional.empty()),
        cache.toString(),
        new Configuration());
  }
}
