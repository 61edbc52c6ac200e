package io.antiphon.tests;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.methods;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
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
import java.net.URI;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** The layout of docs/architecture.md, as rules. */
@AnalyzeClasses(packages = "io.antiphon", importOptions = ImportOption.DoNotIncludeTests.class)
class LayeringTest {
  private static final String[] JDK = {"java..", "javax.."};

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
  static final ArchRule partsOfTheJobDoNotSeeTheDriver =
      noClasses()
          .that()
          .resideInAPackage("io.antiphon.job.*")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("io.antiphon.job");

  @ArchTest
  static final ArchRule whatTheDataPipelineSharesSeesNoPart =
      noClasses()
          .that()
          .resideInAPackage("io.antiphon.data")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("io.antiphon.data.*");

  @ArchTest
  static final ArchRule planSeesTheJdkAlone =
      classes()
          .that()
          .resideInAPackage("io.antiphon.plan..")
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(with("io.antiphon.plan..", "org.jspecify.."));

  @ArchTest
  static final ArchRule tensorSeesPlanAlone =
      classes()
          .that()
          .resideInAPackage("io.antiphon.tensor..")
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(with("io.antiphon.tensor..", "io.antiphon.plan..", "org.jspecify.."));

  @ArchTest
  static final ArchRule confSeesTheHoconLibraryOnly =
      classes()
          .that()
          .resideInAPackage("io.antiphon.conf..")
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(
              with("io.antiphon.conf..", "com.typesafe.config..", "org.jspecify.."));

  @ArchTest
  static final ArchRule modelSeesNoBackend =
      classes()
          .that()
          .resideInAPackage("io.antiphon.model..")
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(
              with(
                  "io.antiphon.model..",
                  "io.antiphon.tensor..",
                  "io.antiphon.plan..",
                  "org.jspecify.."));

  @ArchTest
  static final ArchRule transportSeesTensorAlone =
      classes()
          .that()
          .resideInAPackage("io.antiphon.transport..")
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(
              with("io.antiphon.transport..", "io.antiphon.tensor..", "org.jspecify.."));

  @ArchTest
  static final ArchRule cpuSeesTensorPlanTransportAndTheBlasLibrary =
      classes()
          .that()
          .resideInAPackage("io.antiphon.cpu..")
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(
              with(
                  "io.antiphon.cpu..",
                  "io.antiphon.tensor..",
                  "io.antiphon.plan..",
                  "io.antiphon.transport..",
                  "org.bytedeco..",
                  "org.jspecify.."));

  @ArchTest
  static final ArchRule deviceSeesCudaOnly =
      classes()
          .that()
          .resideInAPackage("io.antiphon.device..")
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(
              with(
                  "io.antiphon.device..",
                  "jcuda..",
                  "org.bytedeco..",
                  "org.slf4j..",
                  "org.jspecify.."));

  @ArchTest
  static final ArchRule kernelSeesTensorPlanAndDevice =
      classes()
          .that()
          .resideInAPackage("io.antiphon.kernel..")
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(
              with(
                  "io.antiphon.kernel..",
                  "io.antiphon.tensor..",
                  "io.antiphon.plan..",
                  "io.antiphon.device..",
                  "org.slf4j..",
                  "org.jspecify.."));

  @ArchTest
  static final ArchRule commSeesTensorTransportKernelDeviceAndNccl =
      classes()
          .that()
          .resideInAPackage("io.antiphon.comm..")
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(
              with(
                  "io.antiphon.comm..",
                  "io.antiphon.tensor..",
                  "io.antiphon.transport..",
                  "io.antiphon.kernel..",
                  "io.antiphon.device..",
                  "org.bytedeco..",
                  "org.slf4j..",
                  "org.jspecify.."));

  @ArchTest
  static final ArchRule jcudaHasOneUser =
      noClasses()
          .that()
          .resideOutsideOfPackage("io.antiphon.device..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("jcuda..");

  @ArchTest
  static final ArchRule ncclHasOneUser =
      noClasses()
          .that()
          .resideOutsideOfPackage("io.antiphon.comm..")
          .should()
          .dependOnClassesThat()
          .haveNameMatching("org\\.bytedeco\\.cuda\\.(global\\.)?nccl.*");

  @ArchTest
  static final ArchRule recordsOfARunSeeTheJdkAlone =
      classes()
          .that()
          .resideInAPackage("io.antiphon.train.report")
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(with("io.antiphon.train.report", "org.jspecify.."));

  @ArchTest
  static final ArchRule monitorSeesOfTrainTheRecordsAlone =
      noClasses()
          .that()
          .resideInAPackage("io.antiphon.monitor..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("io.antiphon.train", "io.antiphon.train.checkpoint..");

  @ArchTest
  static final ArchRule traceSeesTheJsonLibraryAndHowToPrint =
      classes()
          .that()
          .resideInAPackage("io.antiphon.trace..")
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(
              with(
                  "io.antiphon.trace..",
                  "io.antiphon.conf..",
                  "com.fasterxml.jackson.core..",
                  "org.jspecify.."));

  /** No Spark, no model, no backend: simulation is plain Java over the planners. */
  @ArchTest
  static final ArchRule simulateSeesPlanTraceAndTheReport =
      classes()
          .that()
          .resideInAPackage("io.antiphon.simulate..")
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(
              with(
                  "io.antiphon.simulate..",
                  "io.antiphon.conf..",
                  "io.antiphon.plan..",
                  "io.antiphon.trace..",
                  "io.antiphon.monitor..",
                  "com.typesafe.config..",
                  "com.fasterxml.jackson.core..",
                  "org.jspecify.."));

  @ArchTest
  static final ArchRule sparkHasTwoUsers =
      noClasses()
          .that()
          .resideOutsideOfPackages("io.antiphon.data..", "io.antiphon.job..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("org.apache.spark..", "org.apache.hadoop..", "scala..");

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

  @ArchTest
  static final ArchRule nothingCallsUp =
      noClasses()
          .that()
          .resideInAnyPackage(
              "io.antiphon.train..",
              "io.antiphon.monitor..",
              "io.antiphon.data..",
              "io.antiphon.trace..",
              "io.antiphon.simulate..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("io.antiphon.job..", "io.antiphon.submit..");

  /** Only what the host does between steps may read the device: the step itself never waits. */
  @ArchTest
  static final ArchRule layersOfTheModelCannotReachHostAccess =
      noClasses()
          .that()
          .resideInAPackage("io.antiphon.model..")
          .and()
          .implement(io.antiphon.tests.LayeringTest.layer())
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

  private static String[] with(String... packages) {
    String[] all = java.util.Arrays.copyOf(JDK, JDK.length + packages.length);
    System.arraycopy(packages, 0, all, JDK.length, packages.length);
    return all;
  }
}
