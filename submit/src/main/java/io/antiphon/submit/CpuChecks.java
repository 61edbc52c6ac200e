package io.antiphon.submit;

import io.antiphon.comm.EnvironmentException;
import io.antiphon.cpu.BlasUnavailable;
import io.antiphon.cpu.CpuBackend;
import io.antiphon.data.DataException;
import io.antiphon.data.tokenizer.TokenizerLibrary;
import io.antiphon.run.HostProvider;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.Buffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** What training on the CPU needs. */
final class CpuChecks {
  private static final int OLDEST_JAVA = 17;
  private static final long LEAST_HEAP_MIB = 1000;

  private CpuChecks() {}

  static List<Finding> all() {
    return List.of(
        java(),
        modules(),
        encoding(),
        processors(),
        memory(),
        temporary(),
        spark(),
        blas(),
        tokenizers());
  }

  private static Finding java() {
    String found =
        Runtime.version()
            + ", "
            + System.getProperty("java.vm.name")
            + " in "
            + System.getProperty("java.home");
    return Runtime.version().feature() >= OLDEST_JAVA
        ? Finding.ok("Java", found)
        : Finding.fail("Java", found, "install a JDK 17 or later and set JAVA_HOME to it");
  }

  /** Spark needs packages of the JDK that are closed by default. */
  private static Finding modules() {
    boolean open = Buffer.class.getModule().isOpen("java.nio", CpuChecks.class.getModule());
    return open
        ? Finding.ok("Java options", "the packages that Spark needs are open")
        : Finding.fail(
            "Java options",
            "java.nio is not open to Spark",
            "start through submit/antiphon or spark-submit, which pass --add-opens");
  }

  private static Finding encoding() {
    return encoding(System.getProperty("sun.jnu.encoding", "unknown"));
  }

  /** Java reads arguments and the names of files in the encoding of the locale. */
  static Finding encoding(String found) {
    return found.equalsIgnoreCase("UTF-8")
        ? Finding.ok("encoding", "arguments and names of files are read as UTF-8")
        : Finding.warn(
            "encoding",
            "arguments and names of files are read as " + found + ": other characters are lost",
            "start through submit/antiphon, or set LC_ALL=C.UTF-8");
  }

  private static Finding processors() {
    int processors = Runtime.getRuntime().availableProcessors();
    return Finding.ok("processors", processors + " (" + System.getProperty("os.arch") + ")");
  }

  private static Finding memory() {
    long heap = Runtime.getRuntime().maxMemory() >> 20;
    long physical = physicalMebibytes();
    String found =
        String.format(
            Locale.ROOT,
            "heap up to %,d MiB%s",
            heap,
            physical > 0 ? String.format(Locale.ROOT, " of %,d MiB", physical) : "");
    if (heap < LEAST_HEAP_MIB) {
      return Finding.fail("memory", found, "set ANTIPHON_MEMORY=4g");
    }
    if (physical > 0 && heap > physical) {
      return Finding.warn(
          "memory",
          found,
          "the system may end a large run; set ANTIPHON_MEMORY=" + physical / 2 + "m, for example");
    }
    return Finding.ok("memory", found);
  }

  /** Memory of the machine or its container; 0 if this Java does not tell. */
  static long physicalMebibytes() {
    return ManagementFactory.getOperatingSystemMXBean()
            instanceof com.sun.management.OperatingSystemMXBean system
        ? system.getTotalMemorySize() >> 20
        : 0;
  }

  private static Finding temporary() {
    Path directory = Path.of(System.getProperty("java.io.tmpdir"));
    try {
      Files.delete(Files.createTempFile(directory, "antiphon-doctor", ""));
      long free = Files.getFileStore(directory).getUsableSpace() >> 20;
      return Finding.ok(
          "temporary", String.format(Locale.ROOT, "%s, %,d MiB free", directory, free));
    } catch (IOException e) {
      return Finding.fail(
          "temporary",
          directory + " cannot be written: " + e.getMessage(),
          "set ANTIPHON_JAVA_OPTIONS=-Djava.io.tmpdir=DIR, and SPARK_LOCAL_DIRS=DIR");
    }
  }

  private static Finding spark() {
    Optional<String> version;
    try {
      version = HostProvider.here().sparkVersion();
    } catch (EnvironmentException e) {
      return Finding.fail("Spark", "of another version", String.valueOf(e.getMessage()));
    }
    if (version.isPresent()) {
      return Finding.ok("Spark", "embedded, version " + version.get());
    }
    return Files.exists(Path.of(System.getProperty("java.home"), "..", "BUNDLE"))
        ? Finding.warn(
            "Spark",
            "not in this bundle: ranks run as threads of one process",
            "unpack the archive with Spark over it for clusters, Parquet and SQL")
        : Finding.fail(
            "Spark", "not on the class path", "start through submit/antiphon or spark-submit");
  }

  private static Finding blas() {
    try (CpuBackend backend = CpuBackend.f32(1)) {
      return Finding.ok("BLAS", backend.description());
    } catch (BlasUnavailable e) {
      return Finding.fail("BLAS", "does not load", String.valueOf(e.getMessage()));
    }
  }

  private static Finding tokenizers() {
    try {
      TokenizerLibrary.check();
      return Finding.ok("tokenizers", "the native library loads and encodes");
    } catch (DataException e) {
      return Finding.warn(
          "tokenizers",
          "does not load; data.tokenizer = \"bytes\" does without",
          String.valueOf(e.getMessage()));
    }
  }
}
