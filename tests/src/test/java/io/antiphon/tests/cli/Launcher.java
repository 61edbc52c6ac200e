package io.antiphon.tests.cli;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Collectors;

/** The launcher of this checkout, running the classes of this build instead of building its own. */
final class Launcher {
  static final Path SCRIPT = Path.of("..", "submit", "antiphon").toAbsolutePath().normalize();

  private final Path directory;
  private final Map<String, String> environment;

  /**
   * @param directory where commands run; a library directory is made there
   */
  Launcher(Path directory) throws IOException {
    this(directory, Map.of());
  }

  /**
   * Does what the other does, with more variables in the environment.
   *
   * @param more an empty value removes a variable
   */
  Launcher(Path directory, Map<String, String> more) throws IOException {
    this.directory = directory;
    this.environment = new HashMap<>(more);
    environment.put("ANTIPHON_LIB", library(directory).toString());
    environment.put("ANTIPHON_MEMORY", "1g");
  }

  /** One jar that names the class path of this process, classes of the reactor included. */
  private static Path library(Path directory) throws IOException {
    Path library = Files.createDirectories(directory.resolve("lib"));
    Manifest manifest = new Manifest();
    String classPath =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator, -1))
            .map(entry -> Path.of(entry).toUri().toString())
            .collect(Collectors.joining(" "));
    manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
    manifest.getMainAttributes().put(Attributes.Name.CLASS_PATH, classPath);
    new JarOutputStream(Files.newOutputStream(library.resolve("class-path.jar")), manifest).close();
    return library;
  }

  Launched start(String... arguments) throws IOException {
    List<String> command = new ArrayList<>(List.of(SCRIPT.toString()));
    command.addAll(List.of(arguments));
    return Launched.start(directory, environment, command);
  }

  /** Runs to the end. */
  Launched run(String... arguments) throws IOException, InterruptedException {
    Launched launched = start(arguments);
    launched.exitCode();
    return launched;
  }
}
