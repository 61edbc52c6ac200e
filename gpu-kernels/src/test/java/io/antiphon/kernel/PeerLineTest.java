package io.antiphon.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PeerLineTest {
  private static final String LINE =
      "{\"shape\": \"qwen3\", \"skew\": 1.2, \"tokens\": 16384, \"hidden\": 2048,"
          + " \"counts\": [3, 0, 12], \"fprop_ms\": 2.25, \"layer_ways\": {\"compiled\": \"no\"},"
          + " \"layer_by\": \"eager, graph\", \"layer_ms\": 1e1}";

  @Test
  void readsWhatThePeerPrinted(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("peer.txt");
    Files.writeString(file, "a warning\n" + LINE + "\n");
    StringBuilder seen = new StringBuilder();
    String error =
        errorOf(
            lines -> {
              PeerLine line = lines.get(0);
              assertThat(lines).hasSize(1);
              assertThat(line.title()).isEqualTo("qwen3 1.2");
              assertThat(line.integer("tokens")).isEqualTo(16384);
              assertThat(line.number("skew")).isEqualTo(1.2);
              assertThat(line.counts()).containsExactly(3, 0, 12);
              assertThat(line.measured("fprop_ms")).hasValue(2.25);
              assertThat(line.measured("layer_ms")).hasValue(10);
              assertThat(line.measured("dgrad_ms")).isEmpty();
              assertThat(line.word("layer_by")).contains("eager, graph");
              seen.append("run");
            },
            file.toString());
    assertThat(error).isEmpty();
    assertThat(seen).hasToString("run");
  }

  @Test
  void namesWhatIsMissing(@TempDir Path folder) throws IOException {
    Path absent = folder.resolve("absent.txt");
    Path empty = Files.writeString(folder.resolve("empty.txt"), "Traceback\n");
    Path old = Files.writeString(folder.resolve("old.txt"), LINE);
    assertThat(errorOf(lines -> {})).contains("antiphon bench moe-layer", "torch_peer.py");
    assertThat(errorOf(lines -> {}, absent.toString())).contains("no file " + absent);
    assertThat(errorOf(lines -> {}, empty.toString())).contains(empty + " has no line");
    assertThat(errorOf(lines -> lines.get(0).integer("experts"), old.toString()))
        .contains(old + ", line 1 has no \"experts\"");
  }

  private static String errorOf(Consumer<List<PeerLine>> body, String... arguments) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    PrintStream err = new PrintStream(bytes, true, StandardCharsets.UTF_8);
    int code = PeerLine.run("moe-layer", arguments, (lines, out) -> body.accept(lines), err, err);
    assertThat(code).isEqualTo(bytes.size() == 0 ? 0 : 2);
    return bytes.toString(StandardCharsets.UTF_8);
  }
}
