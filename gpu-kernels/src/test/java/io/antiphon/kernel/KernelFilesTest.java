package io.antiphon.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.antiphon.device.KernelSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class KernelFilesTest {
  private static final Path FOLDER = Path.of("src/main/cuda");
  private static final Path TEST_FOLDER = Path.of("src/test/resources/io/antiphon/kernel");
  private static final int COLUMNS = 110;
  private static final Pattern INCLUDE = Pattern.compile("(?m)^\\s*#\\s*include\\s+(.*?)\\s*$");

  @Test
  void everyFileOfKernelsIsLoadedBySomeLauncher() throws IOException {
    assertThat(files(".cu"))
        .containsExactlyInAnyOrderElementsOf(
            KernelCatalog.sources().stream().map(KernelSource::file).distinct().toList());
  }

  @Test
  void kernelsIncludeNothingButOurHeaders() throws IOException {
    List<String> headers = files(".cuh").stream().map(header -> '"' + header + '"').toList();
    for (String suffix : List.of(".cu", ".cuh")) {
      for (String file : files(suffix)) {
        Matcher include = INCLUDE.matcher(Files.readString(FOLDER.resolve(file)));
        while (include.find()) {
          assertThat(headers).as(file).contains(include.group(1));
        }
      }
    }
  }

  @Test
  void whoeverSizesSharedMemoryAtLaunchIsComparedWithTheKernel() throws IOException {
    for (String file : files(".cu")) {
      if (Files.readString(FOLDER.resolve(file)).contains("extern __shared__")) {
        assertThat(LaunchNumbers.assertions().getOrDefault(file, List.of()))
            .as("sizes of shared memory of %s in LaunchNumbers", file)
            .anyMatch(line -> line.matches(".*(shared_bytes\\b|shared_bytes<|SharedBytes).*"));
      }
    }
  }

  /**
   * What Spotless does not check; it does see to white space, and {@code .clang-format} to both.
   */
  @Test
  void linesHaveAtMost110Columns() throws IOException {
    List<String> tooLong = new ArrayList<>();
    for (Path folder : List.of(FOLDER, TEST_FOLDER)) {
      try (Stream<Path> files = Files.list(folder)) {
        for (Path file : files.sorted().toList()) {
          List<String> lines = Files.readAllLines(file);
          for (int i = 0; i < lines.size(); i++) {
            if (lines.get(i).length() > COLUMNS) {
              tooLong.add(file + ":" + (i + 1) + " has " + lines.get(i).length() + " columns");
            }
          }
        }
      }
    }
    assertThat(tooLong).isEmpty();
  }

  private static List<String> files(String suffix) throws IOException {
    try (Stream<Path> files = Files.list(FOLDER)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.endsWith(suffix))
          .sorted()
          .toList();
    }
  }
}
