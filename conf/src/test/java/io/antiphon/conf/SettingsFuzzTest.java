package io.antiphon.conf;

import io.antiphon.fuzz.Fuzz;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("fuzz")
class SettingsFuzzTest {
  private static final String[] WORDS = {
    "include \"a.conf\"\n",
    "include \"",
    "preset:quickstart",
    "file(",
    "classpath(",
    "required(",
    "url(",
    "${",
    "${?",
    "}",
    "+=",
    "\"\"\"",
    "//",
    "spark.properties.\"spark.x\" = ",
    "null",
    "moe.experts",
    "schedule.steps = ",
    "model {",
    "1e9",
    "10 days",
    "\\u0000",
    "\\u001b"
  };

  @Test
  void settingsOfARunAreReadOrRefused() {
    fuzz("kept settings").run(input -> SettingsReader.text("kept", text(input), List.of()));
  }

  @Test
  void settingsOfAUserAreReadOrRefused(@TempDir Path directory) throws IOException {
    Path file = directory.resolve("a.conf");
    Files.writeString(directory.resolve("b.conf"), "include \"a.conf\"\nseed = 1\n");
    Files.writeString(directory.resolve("c.conf"), "x = ${seed}${seed}\n");
    fuzz("settings")
        .words("include \"b.conf\"\n", "include \"c\"\n")
        .run(
            input -> {
              Files.write(file, input);
              SettingsReader.file(file, List.of());
            });
  }

  @Test
  void overridesAreReadOrRefused() {
    Fuzz.of("overrides", ConfigException.class)
        .from(
            "seed=7\nmodel.layers=2",
            "spark.properties.spark.a=b\nname=null",
            "data.text=a.txt\ndata.sql=null")
        .words(Schema.KEYS.keySet().toArray(String[]::new))
        .run(input -> SettingsReader.source("a.conf", Sample.FILE, text(input).lines().toList()));
  }

  private static Fuzz fuzz(String name) {
    return Fuzz.of(name, ConfigException.class)
        .from(
            Sample.FILE,
            SettingsWriter.render(Sample.with()),
            SettingsWriter.render(Sample.with("spark.properties.spark.a=b")))
        .words(WORDS);
  }

  private static String text(byte[] input) {
    return new String(input, StandardCharsets.UTF_8);
  }
}
