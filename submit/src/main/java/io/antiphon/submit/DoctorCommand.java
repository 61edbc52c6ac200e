package io.antiphon.submit;

import io.antiphon.cpu.CpuBackend;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Says what works on this machine, what is missing, and what to do about it. */
@Command(
    name = "doctor",
    mixinStandardHelpOptions = true,
    description = "Checks Java, memory, Spark, the BLAS library, and what a GPU would need.")
final class DoctorCommand implements Callable<Integer> {
  private static final int OLDEST_JAVA = 17;
  private static final long LEAST_HEAP_MIB = 2048;
  private static final List<Path> LIBRARY_DIRECTORIES =
      List.of(
          Path.of("/usr/lib/x86_64-linux-gnu"),
          Path.of("/usr/lib/aarch64-linux-gnu"),
          Path.of("/usr/lib64"),
          Path.of("/usr/local/cuda/lib64"));

  @Spec private CommandSpec spec = CommandSpec.create();
  private boolean usable = true;

  @Override
  public Integer call() {
    int java = Runtime.version().feature();
    check(
        java >= OLDEST_JAVA,
        "Java",
        Runtime.version().toString(),
        "install a JDK 17 or later and set JAVA_HOME");
    long heap = Runtime.getRuntime().maxMemory() >> 20;
    check(
        heap >= LEAST_HEAP_MIB,
        "memory",
        heap + " MiB of heap, " + Runtime.getRuntime().availableProcessors() + " CPUs",
        "set ANTIPHON_MEMORY=4g");
    blas();
    spark();
    gpu();
    out().flush();
    return usable ? 0 : Antiphon.FAILED;
  }

  private void blas() {
    try (CpuBackend backend = CpuBackend.f32(1)) {
      check(true, "CPU backend", backend.description(), "");
    } catch (RuntimeException e) {
      check(false, "CPU backend", String.valueOf(e.getMessage()), "see the message");
    }
  }

  private void spark() {
    try {
      Class<?> version = Class.forName("org.apache.spark.package$");
      Object module = version.getField("MODULE$").get(null);
      Object number = version.getMethod("SPARK_VERSION").invoke(module);
      check(true, "Spark", "embedded, version " + number, "");
    } catch (ReflectiveOperationException e) {
      check(
          false, "Spark", "not on the class path", "start through submit/antiphon or spark-submit");
    }
  }

  /** Nothing here needs a GPU; what is missing is told, not counted against the machine. */
  private void gpu() {
    note("NVIDIA driver", driverVersion());
    note("libcuda.so.1", library("libcuda.so.1"));
    note("libnccl.so.2", library("libnccl.so.2"));
    note("libnvrtc.so.13", library("libnvrtc.so.13"));
    out()
        .println("      this build computes on the CPU and refuses backend.kind = cuda everywhere");
  }

  private static Optional<String> driverVersion() {
    try {
      return Files.readAllLines(Path.of("/proc/driver/nvidia/version")).stream().findFirst();
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  private static Optional<String> library(String name) {
    Stream<Path> searched =
        Stream.concat(
            Stream.of(System.getenv().getOrDefault("LD_LIBRARY_PATH", "").split(":", -1))
                .filter(directory -> !directory.isEmpty())
                .map(Path::of),
            LIBRARY_DIRECTORIES.stream());
    return searched
        .map(directory -> directory.resolve(name))
        .filter(Files::exists)
        .map(Path::toString)
        .findFirst();
  }

  private void check(boolean good, String what, String found, String remedy) {
    usable &= good;
    out().println(line(good ? "ok" : "BAD", what, found + (good ? "" : " -> " + remedy)));
  }

  private void note(String what, Optional<String> found) {
    String text = found.orElse("not found; needed for a GPU only");
    out().println(line(found.isPresent() ? "ok" : "none", what, text));
  }

  private static String line(String mark, String what, String found) {
    return String.format(Locale.ROOT, "%-5s %-16s %s", mark, what, found);
  }

  private PrintWriter out() {
    return spec.commandLine().getOut();
  }
}
