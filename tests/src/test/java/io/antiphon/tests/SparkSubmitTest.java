package io.antiphon.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.stream.Stream;
import org.apache.spark.launcher.JavaModuleOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The assembled jar under spark-submit, with no other class of ours on the class path. */
@Timeout(240)
class SparkSubmitTest {
  /** What the jar brings itself; all else comes with Spark. */
  private static final List<String> OURS =
      List.of(
          "antiphon-",
          "config-",
          "picocli-",
          "javacpp-",
          "openblas-",
          "cuda-",
          "jcuda-",
          "tokenizers-",
          "api-",
          "jspecify-");

  @TempDir Path directory = Path.of("");

  @Test
  void theJarTrainsUnderStockSpark() throws Exception {
    Path run = directory.resolve("run");
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of(JavaModuleOptions.defaultModuleOptionArray()));
    command.addAll(List.of("-Xmx2g", "-cp", stockSpark(), "org.apache.spark.deploy.SparkSubmit"));
    command.addAll(List.of("--master", "local[4]", "--conf", "spark.driver.host=127.0.0.1"));
    command.addAll(List.of("--conf", "spark.driver.bindAddress=127.0.0.1"));
    command.addAll(List.of("--class", "io.antiphon.submit.Antiphon"));
    command.add(property("antiphon.jar").toString());
    command.addAll(List.of("train", "--preset", "quickstart", "--run-dir", run.toString()));
    for (String setting :
        List.of(
            "schedule.steps=3",
            "schedule.warmup-steps=1",
            "data.validation-sequences=4",
            "monitor.report=false")) {
      command.addAll(List.of("--set", setting));
    }
    Path log = directory.resolve("log");
    Process process =
        new ProcessBuilder(command)
            .directory(directory.toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    try {
      assertThat(process.waitFor(200, TimeUnit.SECONDS)).as("it ends").isTrue();
    } finally {
      process.destroyForcibly();
    }
    assertThat(process.exitValue()).as("%s", Files.readString(log)).isZero();
    assertThat(Files.readString(run.resolve("summary.json")).replace(" ", ""))
        .contains("\"steps\":3", "\"outcome\":\"completed\"");
  }

  /** No GPU is needed to see that the classes for one are there, with their natives. */
  @Test
  void theJarHoldsTheBindingsOfCuda() throws Exception {
    try (JarFile jar = new JarFile(property("antiphon.jar").toFile())) {
      List<String> names = jar.stream().map(JarEntry::getName).toList();
      assertThat(names)
          .contains(
              "jcuda/driver/JCudaDriver.class",
              "org/bytedeco/cuda/global/nvrtc.class",
              "org/bytedeco/cuda/global/nccl.class",
              "org/bytedeco/cuda/linux-x86_64/libjninvrtc.so",
              "io/antiphon/kernel/memory.cu",
              "io/antiphon/run/gpu-discovery.sh")
          .anyMatch(name -> name.matches("lib/libJCudaDriver-.*-linux-x86_64\\.so"));
    }
  }

  private static String stockSpark() throws IOException {
    try (Stream<Path> jars = Files.list(property("antiphon.lib"))) {
      return String.join(
          File.pathSeparator,
          jars.filter(jar -> jar.toString().endsWith(".jar"))
              .filter(jar -> OURS.stream().noneMatch(jar.getFileName().toString()::startsWith))
              .map(Path::toString)
              .sorted()
              .toList());
    }
  }

  private static Path property(String name) {
    Path path = Path.of(System.getProperty(name)).normalize();
    assertThat(path).as("built by the package phase of submit").exists();
    return path;
  }
}
