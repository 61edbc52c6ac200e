package io.antiphon.data.store;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.antiphon.data.DataException;
import io.antiphon.fuzz.Fuzz;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("fuzz")
class StoreManifestFuzzTest {
  /** Found by the other test: the JSON library quotes what it cannot read. */
  @Test
  void aRefusalHasNoControlCharacters() {
    byte[] input = Base64.getDecoder().decode("eyIiOtF/");
    assertThatThrownBy(() -> StoreManifest.parse("manifest.json", input))
        .isInstanceOf(DataException.class)
        .hasMessageMatching("\\P{Cntrl}+");
  }

  @Test
  void manifestsOfStoresAreReadOrRefused(@TempDir Path directory) throws Exception {
    HandmadeStore.write(directory, 64, 0, HandmadeStore.numbered(5, 8, 64), 2);
    Fuzz.of("store manifest", DataException.class)
        .from(Files.readAllBytes(directory.resolve(StoreManifest.FILE)))
        .words(
            "\"file\":", "\"sequences\":", "\"sha256\":", "\"bytes\":", "\"..\"", "\"a::b.tokens\"")
        .run(input -> StoreManifest.parse("manifest.json", input));
  }
}
