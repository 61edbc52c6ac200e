package io.antiphon.kernel;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.antiphon.device.KernelSource;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Compiles every kernel, as its launcher instantiates it, for each architecture it is for, and
 * compares the launchers' numbers with the kernels'.
 */
class KernelCompileTest {
  /**
   * Bytes that the kernels of a file may spill in all, for any architecture; none if not named
   * here. Attention keeps more accumulators than fit at its largest heads, and was measured as it
   * is; the others are check modes and loop counters.
   */
  private static final Map<String, Integer> ALLOWED_SPILLS =
      Map.of(
          "attention.cu", 128,
          "attention_backward.cu", 128,
          "attention_bf16.cu", 320,
          "attention_backward_bf16.cu", 160,
          "grouped_gemm.cu", 16,
          "optimizer.cu", 16,
          "peer_experts.cu", 16,
          "router_losses.cu", 16,
          "swiglu.cu", 64);

  private static final Map<String, List<String>> NUMBERS = LaunchNumbers.assertions();

  /** Holds a file for every unit that passed, named after all that it was compiled from. */
  private static final Path PASSED = Path.of("target", "compiled-kernels");

  /** Kernels of the product, then those that only tests and the documentation have. */
  private static final List<Path> FOLDERS =
      List.of(Path.of("src/main/cuda"), Path.of("src/test/resources/io/antiphon/kernel"));

  private static final Pattern SPILL =
      Pattern.compile("(\\d+) bytes spill stores, (\\d+) bytes spill loads");
  private static final String COMPILER = compilerVersion();
  private static final int COMPILERS = 2;
  private static final long DEADLINE_SECONDS = 600;

  @TempDir Path temporary = Path.of("target");

  private record Unit(String file, String architecture, Collection<String> names) {
    @Override
    public String toString() {
      return file + " for " + architecture;
    }
  }

  @Test
  void everyKernelCompilesWithoutSpillsForItsArchitectures() throws Exception {
    assumeTrue(
        nvccIsThere(),
        "no nvcc on the PATH: kernels are not compiled here, only where they run (by NVRTC)");
    ExecutorService compilers = Executors.newFixedThreadPool(COMPILERS);
    List<String> failures = new ArrayList<>();
    try {
      List<Future<String>> results = new ArrayList<>();
      int number = 0;
      for (Unit unit : units()) {
        Path wrapper = temporary.resolve("kernels-" + number++ + ".cu");
        results.add(compilers.submit(() -> compile(unit, wrapper)));
      }
      for (Future<String> result : results) {
        String failure = result.get(DEADLINE_SECONDS, TimeUnit.SECONDS);
        if (!failure.isEmpty()) {
          failures.add(failure);
        }
      }
    } finally {
      compilers.shutdownNow();
    }
    assertThat(failures).as("failures").isEmpty();
  }

  private static String compilerVersion() {
    try {
      Process nvcc = new ProcessBuilder("nvcc", "--version").start();
      return new String(nvcc.getInputStream().readAllBytes(), UTF_8);
    } catch (IOException e) {
      return "none";
    }
  }

  private static boolean nvccIsThere() {
    for (String folder : System.getenv("PATH").split(File.pathSeparator, -1)) {
      if (Files.isExecutable(Path.of(folder, "nvcc"))) {
        return true;
      }
    }
    return false;
  }

  /** One for each file and architecture, with the name expressions of all its launchers. */
  private static List<Unit> units() {
    Map<String, Map<String, TreeSet<String>>> names = new TreeMap<>();
    List<KernelSource> sources = new ArrayList<>(KernelCatalog.sources());
    sources.addAll(GroupedGemmLadder.sources());
    for (KernelSource source : sources) {
      List<String> architectures =
          source.target() == KernelSource.Target.HOPPER
              ? List.of("sm_90a")
              : List.of("sm_80", "sm_90a", "sm_100a");
      for (String architecture : architectures) {
        names
            .computeIfAbsent(source.file(), file -> new TreeMap<>())
            .computeIfAbsent(architecture, each -> new TreeSet<>())
            .addAll(source.names());
      }
    }
    List<Unit> units = new ArrayList<>();
    names.forEach(
        (file, byArchitecture) ->
            byArchitecture.forEach(
                (architecture, expressions) ->
                    units.add(new Unit(file, architecture, expressions))));
    return units;
  }

  /** What is wrong with a unit; empty if nothing. */
  private static String compile(Unit unit, Path wrapper) throws IOException, InterruptedException {
    Path passed = PASSED.resolve(digest(unit));
    if (Files.exists(passed)) {
      return "";
    }
    String failure = compileNow(unit, wrapper);
    if (failure.isEmpty()) {
      Files.createDirectories(PASSED);
      Files.writeString(passed, unit.toString());
    }
    return failure;
  }

  private static String digest(Unit unit) throws IOException {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update((unit + " " + unit.names() + ALLOWED_SPILLS.get(unit.file())).getBytes(UTF_8));
      digest.update(NUMBERS.getOrDefault(unit.file(), List.of()).toString().getBytes(UTF_8));
      digest.update(COMPILER.getBytes(UTF_8));
      for (Path folder : FOLDERS) {
        try (Stream<Path> files = Files.list(folder)) {
          for (Path file : files.sorted().toList()) {
            String name = file.getFileName().toString();
            if (name.endsWith(".cuh") || name.equals(unit.file())) {
              digest.update(Files.readAllBytes(file));
            }
          }
        }
      }
      return HexFormat.of().formatHex(digest.digest(), 0, 16);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String compileNow(Unit unit, Path wrapper)
      throws IOException, InterruptedException {
    StringBuilder text = new StringBuilder("#include \"" + unit.file() + "\"\n");
    int number = 0;
    for (String name : unit.names()) {
      // Taking the address of a kernel instantiates it.
      text.append("auto* kernel_%d() { return &%s; }\n".formatted(number++, name));
    }
    NUMBERS.getOrDefault(unit.file(), List.of()).forEach(line -> text.append(line).append('\n'));
    Files.writeString(wrapper, text);
    Process nvcc =
        new ProcessBuilder(
                "nvcc",
                "-std=c++17",
                "-arch=" + unit.architecture(),
                "-cubin",
                "-Xptxas=-v",
                "-I" + FOLDERS.get(0).toAbsolutePath(),
                "-I" + FOLDERS.get(1).toAbsolutePath(),
                "-o",
                wrapper + ".cubin",
                wrapper.toString())
            .redirectErrorStream(true)
            .redirectOutput(new File(wrapper + ".log"))
            .start();
    if (!nvcc.waitFor(DEADLINE_SECONDS, TimeUnit.SECONDS)) {
      nvcc.destroyForcibly();
      return unit + " did not compile within " + DEADLINE_SECONDS + " s";
    }
    String log = Files.readString(Path.of(wrapper + ".log"));
    if (nvcc.exitValue() != 0) {
      return unit + " does not compile:\n" + log;
    }
    int entries = log.split("Compiling entry function", -1).length - 1;
    if (entries < unit.names().size()) {
      return unit + " has " + entries + " kernels, not all of " + unit.names();
    }
    int spilled = 0;
    Matcher spill = SPILL.matcher(log);
    while (spill.find()) {
      spilled += Integer.parseInt(spill.group(1)) + Integer.parseInt(spill.group(2));
    }
    return spilled > ALLOWED_SPILLS.getOrDefault(unit.file(), 0)
        ? unit + " spills " + spilled + " bytes to local memory:\n" + log
        : "";
  }
}
