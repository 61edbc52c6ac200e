package io.antiphon.submit;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** What a GPU would need. This version does not compute on one, so nothing here is ever bad. */
final class GpuChecks {
  private static final Duration LIMIT = Duration.ofSeconds(15);
  private static final String DRIVER = "/proc/driver/nvidia/version";
  private static final List<String> DIRECTORIES =
      List.of(
          "/usr/lib/x86_64-linux-gnu",
          "/usr/lib/aarch64-linux-gnu",
          "/usr/lib64",
          "/usr/local/cuda/lib64",
          "/usr/local/nvidia/lib64");

  private final Map<String, String> environment;

  GpuChecks(Map<String, String> environment) {
    this.environment = environment;
  }

  List<Finding> all() {
    List<Finding> findings = new ArrayList<>(devices());
    findings.add(driver());
    findings.add(library("libcuda", "comes with the NVIDIA driver", "libcuda.so.1"));
    findings.add(library("NVRTC", "install the CUDA toolkit", "libnvrtc.so.13", "libnvrtc.so.12"));
    findings.add(
        library("cuBLASLt", "install the CUDA toolkit", "libcublasLt.so.13", "libcublasLt.so.12"));
    findings.add(library("NCCL", "install the package libnccl2", "libnccl.so.2"));
    return findings;
  }

  private List<Finding> devices() {
    List<Finding> devices = new ArrayList<>();
    for (String line :
        output("nvidia-smi", "--query-gpu=index,name,memory.total", "--format=csv,noheader")) {
      devices.add(Finding.ok("GPU", line));
    }
    if (devices.isEmpty()) {
      devices.add(Finding.note("GPU", "none (nvidia-smi lists none)", ""));
    }
    return devices;
  }

  private static Finding driver() {
    try {
      List<String> lines = Files.readAllLines(Path.of(DRIVER));
      return Finding.ok("NVIDIA driver", lines.isEmpty() ? "unknown version" : lines.get(0));
    } catch (IOException e) {
      return Finding.note("NVIDIA driver", "not loaded", "");
    }
  }

  /** Loads the first of {@code names} that is there. */
  private Finding library(String name, String remedy, String... names) {
    for (String file : names) {
      Optional<Path> found = find(file);
      if (found.isPresent()) {
        return load(name, found.get());
      }
    }
    return Finding.note(name, String.join(" or ", names) + " not found; for a GPU only", remedy);
  }

  private static Finding load(String name, Path path) {
    try {
      Path file = path.toRealPath();
      System.load(file.toString());
      return Finding.ok(name, "loads from " + file);
    } catch (IOException | UnsatisfiedLinkError e) {
      return Finding.note(
          name,
          path + " does not load: " + e.getMessage(),
          "repair its installation; training on the CPU does without");
    }
  }

  private Optional<Path> find(String file) {
    Stream<String> own =
        Stream.of(environment.getOrDefault("LD_LIBRARY_PATH", "").split(":", -1))
            .filter(directory -> !directory.isEmpty());
    return Stream.concat(own, DIRECTORIES.stream())
        .map(directory -> Path.of(directory, file))
        .filter(Files::exists)
        .findFirst();
  }

  /** Lines a program prints; none if it is missing, fails or hangs. */
  private static List<String> output(String... command) {
    try {
      Path lines = Files.createTempFile("antiphon-doctor", ".txt");
      try {
        Process process =
            new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(lines.toFile())
                .start();
        if (!process.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)) {
          process.destroyForcibly();
          return List.of();
        }
        return process.exitValue() == 0
            ? Files.readAllLines(lines, StandardCharsets.UTF_8)
            : List.of();
      } finally {
        Files.deleteIfExists(lines);
      }
    } catch (IOException e) {
      return List.of();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return List.of();
    }
  }
}
