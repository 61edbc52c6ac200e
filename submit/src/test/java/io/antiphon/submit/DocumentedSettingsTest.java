package io.antiphon.submit;

import static org.assertj.core.api.Assertions.assertThat;

import io.antiphon.conf.ConfigException;
import io.antiphon.conf.SettingsReader;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Keys that the documents and the templates of spark-submit name are keys that there are. */
class DocumentedSettingsTest {
  private static final Path ROOT = Path.of("..");
  private static final Path TEMPLATES = Path.of("templates");

  private static final Pattern OVERRIDE = Pattern.compile("--set '?([a-z]+\\.[a-z0-9.-]+)=");

  /**
   * A key in backticks, alone or with a value; Spark's own keys have no dashes, ours no capitals.
   */
  private static final Pattern KEY =
      Pattern.compile(
          "`((?:model|moe|data|optimizer|schedule|parallelism|backend|checkpoint|monitor)\\.[a-z0-9.-]*[a-z0-9])(?:"
              + " = [^`]*)?`");

  /** A row of the map of packages, whose names look like keys. */
  private static final Pattern PACKAGES = Pattern.compile("(?m)^\\| `[a-z-]+` / `[a-z.]+` \\|.*$");

  @Test
  void everyKeyInTheDocumentsIsAKey() throws IOException {
    Set<String> keys = new TreeSet<>();
    for (Path document : documents()) {
      String text = PACKAGES.matcher(Files.readString(document)).replaceAll("");
      find(OVERRIDE, text, keys);
      find(KEY, text, keys);
    }
    assertThat(keys).contains("backend.kernel-cache", "backend.ranks-per-gpu", "model.recompute");
    assertThat(keys).allSatisfy(key -> assertThat(isKey(key)).as(key).isTrue());
  }

  private static List<Path> documents() throws IOException {
    try (Stream<Path> docs = Files.list(ROOT.resolve("docs"));
        Stream<Path> templates = Files.list(TEMPLATES)) {
      return Stream.concat(
              Stream.of(ROOT.resolve("README.md")),
              Stream.concat(docs.filter(path -> path.toString().endsWith(".md")), templates))
          .toList();
    }
  }

  private static void find(Pattern pattern, String text, Set<String> keys) {
    Matcher matcher = pattern.matcher(text);
    while (matcher.find()) {
      keys.add(matcher.group(1));
    }
  }

  private static boolean isKey(String key) {
    try {
      SettingsReader.preset("quickstart", List.of(key + "=null"));
      return true;
    } catch (ConfigException e) {
      return !String.valueOf(e.getMessage()).contains("unknown key");
    }
  }

  @Test
  void everyTemplateIsReadBySparkAndNamedInTheDocuments() throws IOException {
    String operations = Files.readString(ROOT.resolve("docs").resolve("operations.md"));
    try (Stream<Path> templates = Files.list(TEMPLATES)) {
      for (Path template : templates.toList()) {
        assertThat(operations).contains("`" + template.getFileName() + "`");
        if (template.toString().endsWith(".conf")) {
          Properties properties = new Properties();
          try (Reader text = Files.newBufferedReader(template)) {
            properties.load(text);
          }
          assertThat(properties.stringPropertyNames())
              .as("%s", template)
              .contains("spark.master", "spark.executor.resource.gpu.amount")
              .doesNotContain("spark.task.resource.gpu.amount")
              .allMatch(name -> name.startsWith("spark."));
        }
      }
    }
  }
}
