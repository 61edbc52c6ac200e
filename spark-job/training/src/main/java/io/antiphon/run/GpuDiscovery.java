package io.antiphon.run;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The GPUs of this machine as Spark's discovery script finds them.
 *
 * @param addresses as the script printed them, in its order
 * @param printed what it printed, if that is what Spark reads; else empty
 * @param problem why there are none; empty if there are some
 */
public record GpuDiscovery(List<String> addresses, String printed, String problem) {
  /** File name of the script. */
  public static final String SCRIPT = "gpu-discovery.sh";

  private static final Duration LIMIT = Duration.ofSeconds(20);
  private static final Pattern NAME = Pattern.compile("\"name\"\\s*:\\s*\"gpu\"");
  private static final Pattern ADDRESSES = Pattern.compile("\"addresses\"\\s*:\\s*\\[([^\\]]*)]");
  private static final Pattern ADDRESS = Pattern.compile("\"([^\"]+)\"");

  /** Keeps the addresses. */
  public GpuDiscovery {
    addresses = List.copyOf(addresses);
  }

  /** Writes the script, ready to run, into {@code directory}, which is made if need be. */
  public static Path writeScript(Path directory) throws IOException {
    Files.createDirectories(directory);
    Path script = directory.resolve(SCRIPT);
    try (InputStream text =
        Objects.requireNonNull(GpuDiscovery.class.getResourceAsStream(SCRIPT))) {
      Files.write(script, text.readAllBytes());
    }
    Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
    return script.toAbsolutePath();
  }

  /** Runs our script, also from a file system that lets nothing be run. */
  public static GpuDiscovery run(Path script) throws IOException, InterruptedException {
    return run(script, List.of("/bin/sh", script.toString()));
  }

  /** Runs any script, in any language, as Spark does. */
  public static GpuDiscovery runAsSpark(Path script) throws IOException, InterruptedException {
    return run(script, List.of(script.toString()));
  }

  private static GpuDiscovery run(Path script, List<String> command)
      throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().close();
    if (!process.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)) {
      process.destroyForcibly();
      return without(script.getFileName() + " did not end within " + LIMIT.toSeconds() + " s");
    }
    String said =
        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    List<String> found = new ArrayList<>();
    Matcher list = ADDRESSES.matcher(said);
    if (process.exitValue() != 0) {
      return without(said.isEmpty() ? "it ended with " + process.exitValue() : said);
    }
    if (NAME.matcher(said).find() && list.find()) {
      Matcher address = ADDRESS.matcher(list.group(1));
      while (address.find()) {
        found.add(address.group(1));
      }
    }
    return found.isEmpty()
        ? without(
            "it printed '"
                + said
                + "', and Spark wants {\"name\": \"gpu\", \"addresses\": [\"0\", ...]}")
        : new GpuDiscovery(found, said, "");
  }

  /** Discovery that found no GPU. */
  public static GpuDiscovery without(String problem) {
    return new GpuDiscovery(List.of(), "", problem);
  }
}
