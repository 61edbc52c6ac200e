package io.antiphon.monitor;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The golden files hold every field there is; the document must describe exactly these. */
final class MetricsDocumentTest {

  private static final Path DOCUMENT = Path.of("..", "..", "docs", "metrics.md");

  private static String golden(String name) throws IOException {
    try (var in = MetricsDocumentTest.class.getResourceAsStream(name)) {
      return new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private static void collect(JsonNode node, Set<String> names) {
    node.fieldNames().forEachRemaining(names::add);
    node.forEach(child -> collect(child, names));
  }

  /** First cells of the tables from one heading to another. */
  private static Set<String> described(String from, String to) throws IOException {
    String text = Files.readString(DOCUMENT);
    String part = text.substring(text.indexOf("\n" + from), text.indexOf("\n" + to));
    return Pattern.compile("^\\| `(\\w+)` \\|", Pattern.MULTILINE)
        .matcher(part)
        .results()
        .map(match -> match.group(1))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  @Test
  void describesEveryFieldOfTheMetrics() throws IOException {
    Set<String> written = new TreeSet<>();
    for (String line : golden("metrics-golden.jsonl").lines().toList()) {
      collect(Json.MAPPER.readTree(line), written);
    }
    written.remove("kind"); // in the headings
    written.removeIf(name -> name.startsWith("cu")); // calls of CUDA have its names
    assertThat(described("## metrics.jsonl", "## summary.json")).isEqualTo(written);
  }

  @Test
  void describesEveryFieldOfTheSummary() throws IOException {
    Set<String> written = new TreeSet<>();
    collect(Json.MAPPER.readTree(golden("summary-golden.json")), written);
    assertThat(described("## summary.json", "## report.html")).isEqualTo(written);
  }
}
