package io.antiphon.tests;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.methods;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import io.antiphon.data.files.HadoopPath;
import io.antiphon.tensor.Collectives;
import io.antiphon.tensor.HostIo;
import io.antiphon.tensor.HostValues;
import io.antiphon.tensor.OpParts;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** The layout of docs/architecture.md, as rules. */
@AnalyzeClasses(packages = "io.antiphon", importOptions = ImportOption.DoNotIncludeTests.class)
class LayeringTest {
  private static final java.nio.file.Path PAGE =
      java.nio.file.Path.of("..", "docs", "architecture.md");

  /** Module, package, contents and what it may use, each of that in backticks or by name. */
  private static final Pattern ROW =
      Pattern.compile("^\\| `[a-z-]+` / `([a-z.]+)` \\|[^|]*\\| ([^|]*) \\|$", Pattern.MULTILINE);

  /** Libraries by the beginnings of their packages, as the page names them. */
  private static final Map<String, String> LIBRARIES =
      Map.ofEntries(
          Map.entry("ai.djl.", "DJL"),
          Map.entry("com.fasterxml.jackson.", "Jackson"),
          Map.entry("com.github.luben.zstd", "zstd"),
          Map.entry("com.google.gson", "Gson"),
          Map.entry("com.typesafe.config", "HOCON"),
          Map.entry("io.netty.", "Spark"), // what comes with it
          Map.entry("jakarta.servlet", "Spark"),
          Map.entry("jcuda", "JCuda"),
          Map.entry("org.apache.hadoop.", "Hadoop"),
          Map.entry("org.apache.spark", "Spark"),
          Map.entry("org.bytedeco.", "JavaCPP"),
          Map.entry("org.slf4j", "SLF4J"),
          Map.entry("picocli", "picocli"),
          Map.entry("scala", "Spark"));

  private static final String OURS = "io.antiphon.";

  /** Both ways: nothing is used that the page does not name, and it names nothing else. */
  @ArchTest
  static void everyPackageUsesWhatThePageSays(JavaClasses classes) throws IOException {
    Map<String, Set<String>> used = new TreeMap<>();
    for (JavaClass type : classes) {
      String from = type.getPackageName();
      if (from.startsWith(OURS) && !from.startsWith(OURS + "tests")) {
        Set<String> uses =
            used.computeIfAbsent(from.substring(OURS.length()), name -> new TreeSet<>());
        type.getDirectDependenciesFromSelf().stream()
            .map(dependency -> dependency.getTargetClass().getBaseComponentType().getPackageName())
            .filter(to -> !to.equals(from))
            .forEach(to -> name(to).ifPresent(uses::add));
      }
    }
    Set<String> code = lines(used);
    Set<String> written = lines(page());
    assertThat(without(code, written)).as("in the code, and not in %s", PAGE).isEmpty();
    assertThat(without(written, code)).as("in %s, and not in the code", PAGE).isEmpty();
  }

  private static Set<String> lines(Map<String, Set<String>> uses) {
    Set<String> lines = new TreeSet<>();
    uses.forEach(
        (from, all) -> {
          lines.add("package " + from);
          all.forEach(to -> lines.add(from + " uses " + to));
        });
    return lines;
  }

  private static Set<String> without(Set<String> all, Set<String> others) {
    Set<String> rest = new TreeSet<>(all);
    rest.removeAll(others);
    return rest;
  }

  /** The package or library; empty for the JDK and annotations. */
  private static Optional<String> name(String uses) {
    if (uses.startsWith(OURS)) {
      return Optional.of(uses.substring(OURS.length()));
    }
    if (uses.isEmpty() || uses.matches("(java|javax|com\\.sun|org\\.jspecify)\\..*")) {
      return Optional.empty();
    }
    return Optional.of(
        LIBRARIES.entrySet().stream()
            .filter(library -> uses.startsWith(library.getKey()))
            .map(Map.Entry::getValue)
            .findFirst()
            .orElse(uses));
  }

  private static Map<String, Set<String>> page() throws IOException {
    Map<String, Set<String>> page = new TreeMap<>();
    Matcher row = ROW.matcher(Files.readString(PAGE));
    while (row.find()) {
      Set<String> uses = new TreeSet<>();
      for (String used : row.group(2).split(",\\s*", -1)) {
        if (!used.equals("JDK")) {
          uses.add(used.replace("`", ""));
        }
      }
      page.put(row.group(1), uses);
    }
    return page;
  }

  @ArchTest
  static final ArchRule packagesHaveNoCycles =
      slices().matching("io.antiphon.(*)..").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule partsOfTheDataPipelineHaveNoCycles =
      slices().matching("io.antiphon.data.(*)").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule partsOfTheJobHaveNoCycles =
      slices().matching("io.antiphon.job.(*)").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule ncclHasOneUser =
      noClasses()
          .that()
          .resideOutsideOfPackage("io.antiphon.comm..")
          .should()
          .dependOnClassesThat()
          .haveNameMatching("org\\.bytedeco\\.cuda\\.(global\\.)?nccl.*");

  /** It says what is missing where there is none; see its callers for the settings. */
  @ArchTest
  static final ArchRule hadoopPathAloneOpensFileSystems =
      noClasses()
          .that()
          .doNotHaveFullyQualifiedName(HadoopPath.class.getName())
          .should()
          .callMethod(Path.class, "getFileSystem", Configuration.class)
          .orShould()
          .callMethod(FileSystem.class, "get", Configuration.class)
          .orShould()
          .callMethod(FileSystem.class, "get", URI.class, Configuration.class);

  /** Only what the host does between steps may read the device: the step itself never waits. */
  @ArchTest
  static final ArchRule layersOfTheModelCannotReachHostAccess =
      noClasses()
          .that()
          .resideInAPackage("io.antiphon.model..")
          .and()
          .implement(layer())
          .should()
          .dependOnClassesThat()
          .belongToAnyOf(HostIo.class, HostValues.class);

  private static DescribedPredicate<JavaClass> layer() {
    return DescribedPredicate.describe(
        "a layer", type -> type.getName().equals("io.antiphon.model.Layer"));
  }

  @ArchTest
  static final ArchRule operationsReturnNothing =
      methods()
          .that()
          .areDeclaredInClassesThat()
          .haveNameMatching(Pattern.quote(OpParts.class.getName()) + "\\$.*")
          .should()
          .haveRawReturnType(void.class);

  @ArchTest
  static final ArchRule collectivesReturnNothing =
      methods()
          .that()
          .areDeclaredIn(Collectives.class)
          .and()
          .doNotHaveName("rank")
          .and()
          .doNotHaveName("ranks")
          .should()
          .haveRawReturnType(void.class);

  @ArchTest
  static final ArchRule publicClassesAreClosed =
      classes()
          .that()
          .arePublic()
          .and()
          .areTopLevelClasses()
          .and()
          .areNotInterfaces()
          .and()
          .areNotAnnotations()
          .and()
          .areNotEnums()
          .should()
          .haveModifier(JavaModifier.FINAL);

  @ArchTest
  static final ArchRule onlyTheCommandLinePrints =
      noClasses()
          .that()
          .resideOutsideOfPackage("io.antiphon.submit..")
          .should()
          .accessField(System.class, "out");
}
