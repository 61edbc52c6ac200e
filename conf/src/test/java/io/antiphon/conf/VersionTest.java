package io.antiphon.conf;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class VersionTest {
  private static final Pattern OF_THE_ROOT =
      Pattern.compile("<artifactId>antiphon</artifactId>\\s*<version>([^<]+)</version>");

  @Test
  void isThatOfTheRootPom() throws IOException {
    Matcher version = OF_THE_ROOT.matcher(Files.readString(Path.of("..", "pom.xml")));
    assertThat(version.find()).isTrue();
    assertThat(Version.current()).isEqualTo(version.group(1));
  }
}
