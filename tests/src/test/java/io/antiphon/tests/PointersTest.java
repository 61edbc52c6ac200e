package io.antiphon.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Every pointer in documents, sources and scripts leads to something that exists. */
class PointersTest {
  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

  /** Folders that hold no source. */
  private static final Set<String> SKIPPED = Set.of("target", ".git", "runs", "carry");

  private static final Set<String> SOURCES = Set.of("java", "cu", "cuh", "sh", "bash", "xml", "py");

  private static final Pattern LINK = Pattern.compile("\\]\\(([^)\\s]+)\\)");
  private static final Pattern PAGE =
      Pattern.compile(
          "docs/([a-z0-9-]+\\.md)(?:#([a-z0-9-]+))?(?:,? (?:section )?(\\d+(?:\\.\\d+)*))?");
  private static final Pattern TEST = Pattern.compile("`(?:[a-z]+\\.)*([A-Z][A-Za-z0-9]*Test)`");
  private static final Pattern HEADING = Pattern.compile("(?m)^#+ (.+)$");

  @Test
  void everyLinkOfADocumentLeadsToAFileAndAHeading() throws IOException {
    List<String> broken = new ArrayList<>();
    for (Path page : files("md")) {
      Matcher link = LINK.matcher(Files.readString(page));
      while (link.find()) {
        String target = link.group(1);
        if (target.contains("://")) {
          continue;
        }
        String[] parts = target.split("#", 2);
        Path file = parts[0].isEmpty() ? page : page.resolveSibling(parts[0]).normalize();
        if (!Files.exists(file)) {
          broken.add(ROOT.relativize(page) + ": " + target);
        } else if (parts.length > 1 && !anchors(file).contains(parts[1])) {
          broken.add(ROOT.relativize(page) + ": no heading " + target);
        }
      }
    }
    assertThat(broken).isEmpty();
  }

  @Test
  void everyPageThatASourceNamesExistsWithItsSection() throws IOException {
    List<String> broken = new ArrayList<>();
    List<Path> sources = new ArrayList<>(files("md"));
    for (String extension : SOURCES) {
      sources.addAll(files(extension));
    }
    sources.add(ROOT.resolve("submit/antiphon"));
    for (Path source : sources) {
      Matcher page = PAGE.matcher(Files.readString(source));
      while (page.find()) {
        Path file = ROOT.resolve("docs").resolve(page.group(1));
        String where = ROOT.relativize(source) + ": " + page.group();
        if (!Files.exists(file)) {
          broken.add(where);
        } else if (page.group(2) != null && !anchors(file).contains(page.group(2))) {
          broken.add(where);
        } else if (page.group(3) != null && !hasSection(file, page.group(3))) {
          broken.add(where);
        }
      }
    }
    assertThat(broken).isEmpty();
  }

  @Test
  void everyTestThatADocumentNamesExists() throws IOException {
    Set<String> classes =
        files("java").stream()
            .map(file -> file.getFileName().toString().replace(".java", ""))
            .collect(Collectors.toSet());
    List<String> missing = new ArrayList<>();
    for (Path page : files("md")) {
      Matcher test = TEST.matcher(Files.readString(page));
      while (test.find()) {
        if (!classes.contains(test.group(1))) {
          missing.add(ROOT.relativize(page) + ": " + test.group(1));
        }
      }
    }
    assertThat(missing).isEmpty();
  }

  private static boolean hasSection(Path page, String number) throws IOException {
    return Pattern.compile("(?m)^#+ " + Pattern.quote(number) + "\\.? ")
        .matcher(Files.readString(page))
        .find();
  }

  /** Anchors of the headings, as hosting services make them. */
  private static Set<String> anchors(Path page) throws IOException {
    return HEADING
        .matcher(Files.readString(page))
        .results()
        .map(
            heading ->
                heading
                    .group(1)
                    .toLowerCase(Locale.ROOT)
                    .replaceAll("[^\\p{L}\\p{N} _-]", "")
                    .replace(' ', '-'))
        .collect(Collectors.toSet());
  }

  private static List<Path> files(String extension) throws IOException {
    List<Path> found = new ArrayList<>();
    Files.walkFileTree(
        ROOT,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
            return SKIPPED.contains(folder.getFileName().toString())
                ? FileVisitResult.SKIP_SUBTREE
                : FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            if (file.getFileName().toString().endsWith("." + extension)) {
              found.add(file);
            }
            return FileVisitResult.CONTINUE;
          }
        });
    return found;
  }
}
