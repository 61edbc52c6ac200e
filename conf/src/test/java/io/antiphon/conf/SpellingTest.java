package io.antiphon.conf;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class SpellingTest {
  @Test
  void countsEdits() {
    assertThat(Spelling.distance("", "abc")).isEqualTo(3);
    assertThat(Spelling.distance("kitten", "sitting")).isEqualTo(3);
    assertThat(Spelling.distance("layers", "layres")).isEqualTo(1);
    assertThat(Spelling.distance("same", "same")).isZero();
  }

  @Test
  void findsTheClosestWordOrNone() {
    List<String> words = List.of("cpu", "cpu-f64", "cuda");

    assertThat(Spelling.closest("CPU_F64", words)).contains("cpu-f64");
    assertThat(Spelling.closest("cudda", words)).contains("cuda");
    assertThat(Spelling.closest("gpu-cluster", words)).isEmpty();
  }

  @Test
  void everyKeyWithOneLetterMissingIsRecognised() {
    assertThat(Schema.KEYS.keySet().stream().filter(path -> path.length() > 4))
        .allSatisfy(
            path -> {
              String typo = path.substring(0, path.length() - 2) + path.charAt(path.length() - 1);
              assertThat(Spelling.closestPath(typo)).contains(path);
            });
  }

  @Test
  void everyMegatronFlagIsRecognised() {
    assertThat(Schema.KEYS.values())
        .allSatisfy(
            key ->
                key.flags()
                    .forEach(
                        flag ->
                            assertThat(Spelling.closestPath("x." + flag.substring(2)))
                                .contains(key.path())));
  }

  @Test
  void doesNotGuessWildly() {
    assertThat(Spelling.closestPath("model.flux")).isEmpty();
    assertThat(Spelling.closestPath("zzz")).isEmpty();
  }
}
