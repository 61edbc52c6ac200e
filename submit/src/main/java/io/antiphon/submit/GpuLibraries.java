package io.antiphon.submit;

import io.antiphon.device.NativeLibraries;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Files of the libraries that a GPU needs, for machines on which they cannot be tried because they
 * have no driver.
 */
final class GpuLibraries {
  private final Map<String, String> environment;

  GpuLibraries(Map<String, String> environment) {
    this.environment = environment;
  }

  List<Finding> all() {
    return List.of(
        library("libcuda", "libcuda.so.1"),
        library("NVRTC", "libnvrtc.so.13"),
        library("cuBLASLt", "libcublasLt.so.13"),
        library("NCCL", "libnccl.so.2"));
  }

  private Finding library(String name, String file) {
    return find(file)
        .map(path -> load(name, path))
        .orElseGet(() -> Finding.skip(name, file + " not found; for a GPU only"));
  }

  private static Finding load(String name, Path path) {
    try {
      Path file = path.toRealPath();
      System.load(file.toString());
      return Finding.ok(name, "loads from " + file);
    } catch (IOException | UnsatisfiedLinkError e) {
      return Finding.warn(
          name,
          path + " does not load: " + e.getMessage(),
          "repair its installation; training on the CPU does without");
    }
  }

  private Optional<Path> find(String file) {
    Stream<String> own =
        Stream.of(environment.getOrDefault("LD_LIBRARY_PATH", "").split(":", -1))
            .filter(directory -> !directory.isEmpty());
    return Stream.concat(own, NativeLibraries.SYSTEM_FOLDERS.stream())
        .map(directory -> Path.of(directory, file))
        .filter(Files::exists)
        .findFirst();
  }
}
