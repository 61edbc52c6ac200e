package io.antiphon.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Enumeration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.Test;

/**
 * The list of other people's libraries, which Maven writes before it runs tests, against the
 * libraries themselves. A library without a licence that we know has failed the build by then.
 */
class ThirdPartyTest {
  private static final Path LIST = Path.of("target", "third-party", "THIRD-PARTY");
  private static final Path TEXTS = Path.of("..", "submit", "src", "main", "licences");

  /** No text is asked for, or the libraries of Jersey that name it hold it themselves. */
  private static final Set<String> WITHOUT_TEXT = Set.of("Public Domain", "W3C");

  /** Their texts ask for the names of the authors. */
  private static final Pattern ASKS_FOR_AUTHORS = Pattern.compile("MIT|BSD-[23]-Clause|ISC");

  private static final Pattern NATIVE =
      Pattern.compile(
          ".*[Ll]inux.*(x86[-_]64|amd64).*|lib/.*linux-x86_64.*|META-INF/native/.*x86_64.*");

  /** What runs tests, and what only tests of other modules call. */
  private static final Pattern NOT_SHIPPED =
      Pattern.compile("(surefire|junit-platform|choco|automaton|jgrapht|jheaps|sizeof|trove4j)-.*");

  /** Natives that neither the bundle nor the jar of the application takes with it. */
  private static final Pattern LEFT_OUT =
      Pattern.compile(
          "(rocksdbjni|leveldbjni|netty-tcnative|commons-crypto)-.*|jcuda-natives-.*"
              + "(JNvPTXCompiler|JNvrtc|JCudaRuntime).*");

  private static final Pattern CRATE =
      Pattern.compile(
          "(?:registry/src/[^/\\x00]{1,80}|git/checkouts/[^/\\x00]{1,80}/[^/\\x00]{1,80})"
              + "/([A-Za-z0-9_.+-]{1,80})/");

  private record Library(String name, List<String> licences, String authors) {
    boolean isIn(String file) {
      return file.equals(name + ".jar") || file.startsWith(name + "-");
    }
  }

  private static List<Library> list() throws IOException {
    assertThat(LIST).as("mvn -pl tests -am test writes it").exists();
    List<Library> libraries = new ArrayList<>();
    for (String line : Files.readAllLines(LIST)) {
      String[] fields = line.split(" \\| ", -1);
      if (fields.length == 5 && !fields[0].contains(":")) {
        libraries.add(new Library(fields[0], Arrays.asList(fields[1].split(", ")), fields[3]));
      }
    }
    return libraries;
  }

  private static List<Path> jars() {
    List<Path> jars =
        Arrays.stream(System.getProperty("java.class.path").split(":"))
            .filter(entry -> entry.endsWith(".jar") && !entry.contains("antiphon"))
            .map(Path::of)
            .filter(Files::exists)
            .toList();
    assertThat(jars).hasSizeGreaterThan(150);
    return jars;
  }

  @Test
  void everyLibraryThatWeCallIsListed() throws IOException {
    List<Library> listed = list();
    List<String> unlisted =
        jars().stream()
            .map(jar -> jar.getFileName().toString())
            .filter(file -> listed.stream().noneMatch(library -> library.isIn(file)))
            .filter(file -> !NOT_SHIPPED.matcher(file).matches())
            .toList();
    assertThat(unlisted).isEmpty();
  }

  @Test
  void everyLicenceHasItsText() throws IOException {
    for (Library library : list()) {
      for (String licence : library.licences()) {
        for (String choice : licence.split(" or ", -1)) {
          if (!WITHOUT_TEXT.contains(choice)) {
            assertThat(TEXTS.resolve(choice + ".txt")).as(library.name()).isNotEmptyFile();
          }
        }
      }
    }
  }

  @Test
  void authorsAreNamedWhereALicenceAsksForIt() throws IOException {
    List<Path> jars = jars();
    for (Library library : list()) {
      boolean asks =
          library.licences().stream().allMatch(one -> ASKS_FOR_AUTHORS.matcher(one).matches());
      if (asks && library.authors().isBlank()) {
        Optional<Path> jar =
            jars.stream().filter(one -> library.isIn(one.getFileName().toString())).findFirst();
        assertThat(entries(jar.orElseThrow()))
            .as("%s must have authors in its pom.xml, or a licence of its own", library.name())
            .anyMatch(entry -> entry.matches("(META-INF/)?(LICENSE|NOTICE|COPYING).*"));
      }
    }
  }

  @Test
  void everyNativeLibraryIsTold() throws IOException {
    String told = Files.readString(TEXTS.resolve("NATIVE.txt"));
    int checked = 0;
    for (Path jar : jars()) {
      for (String entry : entries(jar)) {
        String name = entry.substring(entry.lastIndexOf('/') + 1);
        if (name.matches(".*\\.so(\\.\\d+)?")
            && NATIVE.matcher(entry).matches()
            && !LEFT_OUT.matcher(jar.getFileName() + "/" + name).matches()) {
          assertThat(told.lines().map(String::strip))
              .as("%s in %s", name, jar.getFileName())
              .anyMatch(line -> name.matches(glob(line.split(" ", 2)[0])));
          checked++;
        }
      }
    }
    assertThat(checked).isGreaterThan(10);
  }

  private static String glob(String pattern) {
    return pattern.startsWith("lib")
        ? Pattern.quote(pattern).replace("*", "\\E.*\\Q")
        : Pattern.quote(pattern);
  }

  @Test
  void everyRustCrateOfTheTokenizersIsTold() throws IOException {
    String told = Files.readString(TEXTS.resolve("NATIVE.txt"));
    Path jar =
        jars().stream()
            .filter(one -> one.getFileName().toString().startsWith("tokenizers-"))
            .findFirst()
            .orElseThrow();
    Set<String> crates = new TreeSet<>();
    try (ZipFile zip = new ZipFile(jar.toFile())) {
      ZipEntry library = zip.getEntry("native/lib/linux-x86_64/cpu/libtokenizers.so");
      byte[] bytes = zip.getInputStream(library).readAllBytes();
      Matcher found = CRATE.matcher(new String(bytes, StandardCharsets.ISO_8859_1));
      while (found.find()) {
        crates.add(found.group(1));
      }
    }
    assertThat(crates).hasSizeGreaterThan(30).allMatch(crate -> told.contains("    " + crate));
  }

  private static List<String> entries(Path jar) throws IOException {
    List<String> entries = new ArrayList<>();
    try (ZipFile zip = new ZipFile(jar.toFile())) {
      Enumeration<? extends ZipEntry> all = zip.entries();
      while (all.hasMoreElements()) {
        entries.add(all.nextElement().getName());
      }
    }
    return entries;
  }
}
