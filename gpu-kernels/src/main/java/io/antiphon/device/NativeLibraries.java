package io.antiphon.device;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Says what was looked for where when a native library is missing. */
public final class NativeLibraries {
  /** Folders of libraries on Linux, NVIDIA's included, in the order in which to look. */
  public static final List<String> SYSTEM_FOLDERS =
      List.of(
          "/usr/lib/x86_64-linux-gnu",
          "/usr/lib/aarch64-linux-gnu",
          "/usr/lib64",
          "/usr/local/cuda/lib64",
          "/usr/local/nvidia/lib64");

  private static final Pattern ABSENT =
      Pattern.compile("^(lib[\\w.+-]+): cannot open shared object");

  private NativeLibraries() {}

  /**
   * Runs {@code use}, which loads {@code soname} on its first call.
   *
   * @param role what the library is, in words
   * @throws DeviceException if it or a library it needs cannot be loaded
   */
  public static void load(String soname, String role, Runnable use) {
    try {
      use.run();
    } catch (UnsatisfiedLinkError | NoClassDefFoundError | ExceptionInInitializerError e) {
      throw new DeviceException(missing(soname, role, e), e);
    }
  }

  private static String missing(String soname, String role, Throwable error) {
    List<String> searched = new ArrayList<>();
    for (String key : List.of("org.bytedeco.javacpp.platform.preloadpath", "java.library.path")) {
      for (String folder : System.getProperty(key, "").split(File.pathSeparator, -1)) {
        if (!folder.isEmpty() && !searched.contains(folder)) {
          searched.add(folder);
        }
      }
    }
    for (String folder : SYSTEM_FOLDERS) {
      if (!searched.contains(folder)) {
        searched.add(folder);
      }
    }
    String found =
        searched.stream()
            .filter(folder -> Files.exists(Path.of(folder, soname)))
            .findFirst()
            .map(folder -> " It is in " + folder + ", but could not be loaded.")
            .orElse("");
    if (error instanceof NoClassDefFoundError
        && error.getCause() instanceof ClassNotFoundException) {
      return soname
          + " ("
          + role
          + ") cannot be used: the class path lacks "
          + String.valueOf(error.getMessage()).replace('/', '.')
          + ". Install Antiphon's jar with the bindings of CUDA, as submit builds it, for this"
          + " platform";
    }
    Throwable cause = error;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    String reason = reason(String.valueOf(cause.getMessage()));
    return soname
        + " ("
        + role
        + ") could not be loaded: "
        + reason
        + "."
        + found
        + " Looked in LD_LIBRARY_PATH and the system's own path, and in "
        + String.join(", ", searched)
        + ". Install "
        + toInstall(soname, reason)
        + ", or name its folder in LD_LIBRARY_PATH; submit/antiphon also searches below the folders"
        + " in ANTIPHON_CUDA_PATH";
  }

  /** The missing library: the one asked for, or another that it needs. */
  private static String toInstall(String soname, String reason) {
    Matcher other = ABSENT.matcher(reason);
    String missing = other.find() ? other.group(1) : soname;
    return missing.startsWith("libcuda.") ? "the NVIDIA driver" : missing;
  }

  /** The line that the system's loader wrote, out of a message that may hold stack traces. */
  private static String reason(String message) {
    return message
        .lines()
        .filter(line -> line.contains("cannot open shared object"))
        .map(line -> line.substring(Math.max(0, line.lastIndexOf(": lib") + 1)))
        .findFirst()
        .or(() -> message.lines().findFirst())
        .orElse("")
        .replaceFirst("^Exception [\\w.$]+: ", "") // of an earlier attempt, as the JVM keeps it
        .replaceFirst(" \\[in thread .*", "")
        .replaceFirst(" in java.library.path: .*", " in java.library.path")
        .strip();
  }
}
