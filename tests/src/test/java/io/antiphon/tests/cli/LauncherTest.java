package io.antiphon.tests.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.launcher.JavaModuleOptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The launcher alone: a stand-in for Java tells what it was called with, and one for Maven builds
 * nothing.
 */
class LauncherTest {
  private static final int USAGE = 2;

  /** Says the version it is named after; otherwise prints its arguments, one a line. */
  private static final String JAVA =
      """
      #!/bin/sh
      if [ "$1" = -version ]; then echo 'openjdk version "VERSION" 2030-01-01' >&2; exit 0; fi
      printf '%s\\n' "$@"
      """;

  /** Counts its calls, waits for a file named go, and leaves what a complete build leaves. */
  private static final String MAVEN =
      """
      #!/bin/sh
      echo called >>calls
      n=0
      while [ ! -e go ] && [ $n -lt 600 ]; do n=$((n + 1)); sleep 0.1; done
      mkdir -p submit/target/lib
      : >submit/target/lib/antiphon-submit-1.jar
      : >submit/target/lib/needed-2.jar
      echo "/m2/needed-2.jar" >submit/target/lib/.class-path
      """;

  private final Path home;
  private final Map<String, String> environment = new HashMap<>();

  LauncherTest(@TempDir Path temporary) {
    home = temporary.resolve("a checkout");
  }

  @BeforeEach
  void copyTheLauncher() throws IOException {
    Files.createDirectories(home.resolve("submit"));
    Files.copy(Launcher.SCRIPT, home.resolve("submit/antiphon"));
    for (String module :
        List.of("conf", "gpu-kernels", "spark-job/training", "spark-job", "submit")) {
      Files.createDirectories(home.resolve(module).resolve("src/main"));
      Files.writeString(home.resolve(module).resolve("pom.xml"), "");
    }
    Files.writeString(home.resolve("pom.xml"), "");
    environment.put("JAVA_HOME", javaHome("java-home", JAVA.replace("VERSION", "17.0.1")));
    environment.put("ANTIPHON_LIB", "");
    environment.put("ANTIPHON_MEMORY", "");
    environment.put("ANTIPHON_JAVA_OPTIONS", "");
  }

  @Test
  void passesTheOptionsThatSparkPublishes() throws Exception {
    environment.put("ANTIPHON_LIB", home.toString());
    environment.put("ANTIPHON_JAVA_OPTIONS", "-Done=1 -Dtwo=2");
    Launched run = run(home.resolve("submit/antiphon"), "plan", "--counts", "a file");

    List<String> published = new ArrayList<>(List.of(JavaModuleOptions.defaultModuleOptionArray()));
    published.remove("--add-modules=jdk.incubator.vector");
    assertThat(run.exitCode()).isZero();
    assertThat(run.out().lines().toList())
        .containsAll(published)
        .contains("-Xmx4g", "-Done=1", "-Dtwo=2")
        .endsWith("-cp", home + "/*", "io.antiphon.submit.Antiphon", "plan", "--counts", "a file");
  }

  /** Arguments and names of files are read in the encoding of the locale. */
  @Test
  void choosesUtf8WhereTheLocaleIsNot() throws Exception {
    environment.put("ANTIPHON_LIB", home.toString());
    environment.put(
        "JAVA_HOME",
        javaHome("telling", JAVA.replace("VERSION", "17.0.1") + "echo \"locale $LC_ALL\"\n"));
    for (String variable : List.of("LC_ALL", "LC_CTYPE", "LANG")) {
      for (String locale : List.of("", "C", "POSIX", "no_SUCH.UTF-8")) {
        List.of("LC_ALL", "LC_CTYPE", "LANG").forEach(name -> environment.put(name, ""));
        environment.put(variable, locale);
        assertThat(run(home.resolve("submit/antiphon")).out().strip())
            .as(variable + "=" + locale)
            .endsWith("locale C.UTF-8");
      }
    }
    environment.put("LC_ALL", "C.utf8");
    assertThat(run(home.resolve("submit/antiphon")).out().strip()).endsWith("locale C.utf8");
  }

  @Test
  void takesASmallHeapAndRefusesWhatIsNone() throws Exception {
    environment.put("ANTIPHON_LIB", home.toString());
    Map<String, String> initial =
        Map.of(
            "256m",
            "256m",
            "8g",
            "512m",
            "600M",
            "512m",
            "300000k",
            "300000k",
            "268435456",
            "268435456");
    for (Map.Entry<String, String> heap : initial.entrySet()) {
      environment.put("ANTIPHON_MEMORY", heap.getKey());
      assertThat(run(home.resolve("submit/antiphon")).out().lines())
          .contains("-Xms" + heap.getValue(), "-Xmx" + heap.getKey());
    }
    for (String none : List.of("lots", "4 g", "-1g", "0", "4gb", "\u001b[2J")) {
      environment.put("ANTIPHON_MEMORY", none);
      Launched run = run(home.resolve("submit/antiphon"));
      assertThat(run.exitCode()).isEqualTo(USAGE);
      assertThat(run.err().lines()).hasSize(1);
      assertThat(run.err()).contains("ANTIPHON_MEMORY is '", "such as 4g").doesNotContain("\u001b");
    }
  }

  @Test
  void opensNoPackageThatJavaNoLongerHas() throws Exception {
    environment.put("ANTIPHON_LIB", home.toString());
    environment.put("JAVA_HOME", javaHome("java-25", JAVA.replace("VERSION", "25.0.1")));
    assertThat(run(home.resolve("submit/antiphon")).out())
        .doesNotContain("sun.security.action")
        .contains("sun.util.calendar");
  }

  @Test
  void worksThroughSymbolicLinksFromAnyDirectory() throws Exception {
    builtBefore();
    Path elsewhere = Files.createDirectories(home.resolveSibling("else where"));
    Path link = Files.createSymbolicLink(elsewhere.resolve("one"), Path.of("../two"));
    Files.createSymbolicLink(home.resolveSibling("two"), home.resolve("submit/antiphon"));

    Launched run = run(link, "--version");

    assertThat(run.exitCode()).as(run.output()).isZero();
    assertThat(run.out()).contains(home.toRealPath().resolve("submit/target/lib") + "/*");
  }

  @Test
  void refusesAnOldJavaInOneLine() throws Exception {
    for (String version : List.of("11.0.2", "1.8.0_392", "16-ea")) {
      environment.put("JAVA_HOME", javaHome("old", JAVA.replace("VERSION", version)));
      Launched run = run(home.resolve("submit/antiphon"), "--version");
      assertThat(run.exitCode()).isEqualTo(USAGE);
      assertThat(run.err().lines()).hasSize(1);
      assertThat(run.err()).contains("Java " + version, "17 or later");
    }
  }

  @Test
  void saysThatJavaHomeIsWrong() throws Exception {
    environment.put("JAVA_HOME", "/nowhere");
    Launched run = run(home.resolve("submit/antiphon"), "--version");

    assertThat(run.exitCode()).isEqualTo(USAGE);
    assertThat(run.err())
        .isEqualTo(
            "antiphon: JAVA_HOME is /nowhere, which has no bin/java; set it to a JDK 17 or later");
  }

  @Test
  void saysThatMavenIsMissing() throws Exception {
    environment.put("PATH", toolsWithoutMaven());
    Launched run = run(home.resolve("submit/antiphon"), "--version");

    assertThat(run.exitCode()).isEqualTo(USAGE);
    assertThat(run.err().lines()).hasSize(1);
    assertThat(run.err()).contains("Maven", "install Maven 3.8 or later");
  }

  @Test
  void showsWhyTheBuildFailed() throws Exception {
    useMaven("#!/bin/sh\necho '[ERROR] no such dependency'\nexit 1\n");
    Launched run = run(home.resolve("submit/antiphon"), "--version");

    assertThat(run.exitCode()).isEqualTo(USAGE);
    assertThat(run.err()).contains("[ERROR] no such dependency", "the build failed");
    assertThat(run.out()).isEmpty();
  }

  @Test
  void twoFirstUsersBuildOnce() throws Exception {
    useMaven(MAVEN);
    Files.createDirectories(home.resolve("submit/target/lib"));
    Files.writeString(home.resolve("submit/target/lib/outdated-1.jar"), "");
    try (Launched first = start(home.resolve("submit/antiphon"), "one")) {
      first.awaitErr("building");
      try (Launched second = start(home.resolve("submit/antiphon"), "two")) {
        second.awaitErr("waiting for another build");
        Files.writeString(home.resolve("go"), "");
        assertThat(first.exitCode()).as(first.output()).isZero();
        assertThat(second.exitCode()).as(second.output()).isZero();
      }
    }

    assertThat(home.resolve("calls")).hasContent("called");
    assertThat(home.resolve("submit/target/lib/needed-2.jar")).exists();
    assertThat(home.resolve("submit/target/lib/outdated-1.jar")).doesNotExist();
  }

  @Test
  void buildsAgainWhenASourceIsNewerThanTheBuild() throws Exception {
    useMaven(MAVEN);
    Files.writeString(home.resolve("go"), "");
    builtBefore();
    assertThat(run(home.resolve("submit/antiphon")).exitCode()).isZero();
    assertThat(home.resolve("calls")).doesNotExist();

    Path source = Files.writeString(home.resolve("conf/src/main/A.java"), "");
    Files.setLastModifiedTime(
        source, java.nio.file.attribute.FileTime.from(java.time.Instant.now().plusSeconds(60)));
    assertThat(run(home.resolve("submit/antiphon")).exitCode()).isZero();
    assertThat(home.resolve("calls")).hasContent("called");
  }

  private Launched run(Path script, String... arguments) throws Exception {
    Launched launched = start(script, arguments);
    launched.exitCode();
    return launched;
  }

  private Launched start(Path script, String... arguments) throws IOException {
    List<String> command = new ArrayList<>(List.of(script.toString()));
    command.addAll(List.of(arguments));
    return Launched.start(Path.of("/"), environment, command);
  }

  private void builtBefore() throws IOException {
    Path library = Files.createDirectories(home.resolve("submit/target/lib"));
    Files.writeString(library.resolve(".class-path"), "");
  }

  private void useMaven(String script) throws IOException {
    program(Files.createDirectories(home.resolve("maven/bin")).resolve("mvn"), script);
    environment.put("PATH", home.resolve("maven/bin") + ":" + System.getenv("PATH"));
  }

  /** A stand-in for a JDK; returns its place. */
  private String javaHome(String name, String script) throws IOException {
    Path place = home.resolve(name);
    program(Files.createDirectories(place.resolve("bin")).resolve("java"), script);
    return place.toString();
  }

  private static void program(Path file, String script) throws IOException {
    Files.writeString(file, script);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private String toolsWithoutMaven() throws IOException {
    Path tools = Files.createDirectories(home.resolve("tools"));
    for (String tool :
        List.of(
            "bash", "sh", "env", "sed", "head", "dirname", "readlink", "find", "mkdir", "flock")) {
      for (String directory : List.of("/usr/bin", "/bin")) {
        Path program = Path.of(directory, tool);
        Path link = tools.resolve(tool);
        if (Files.exists(program) && !Files.exists(link)) {
          Files.createSymbolicLink(link, program);
        }
      }
    }
    return tools.toString();
  }
}
