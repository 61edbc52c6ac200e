package io.antiphon.conf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConfigurationReferenceTest {
  private static final Path PAGE = Path.of("..", "docs", "configuration.md");

  private final Path directory;

  ConfigurationReferenceTest(@TempDir Path directory) {
    this.directory = directory;
  }

  @Test
  void theCommittedPageIsCurrent() throws IOException {
    if (Boolean.getBoolean("antiphon.update-docs")) {
      ConfigurationReference.main(new String[] {PAGE.toString()});
    }

    assertThat(Files.readString(PAGE))
        .as("docs/configuration.md is stale; refresh it with: " + ConfigurationReference.REFRESH)
        .isEqualTo(ConfigurationReference.page());
  }

  @Test
  void thePageHasEveryKeyEveryPresetAndAnExampleOfAnError() {
    String page = ConfigurationReference.page();

    assertThat(Schema.KEYS.values())
        .allSatisfy(key -> assertThat(page).contains("| `" + key.name() + "` | "));
    assertThat(Schema.GROUPS.keySet().stream().filter(path -> !path.isEmpty()))
        .allSatisfy(path -> assertThat(page).contains("\n## " + path + "\n"));
    assertThat(Presets.names()).allSatisfy(name -> assertThat(page).contains("`" + name + "`"));
    assertThat(page).contains("problems in the settings:").contains("**required**");
  }

  @Test
  void mainWritesToTheFileItIsGiven() throws IOException {
    Path file = directory.resolve("page.md");

    ConfigurationReference.main(new String[] {file.toString()});

    assertThat(file).hasContent(ConfigurationReference.page());
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ConfigurationReference.main(new String[0]))
        .withMessageContaining("one argument");
  }
}
