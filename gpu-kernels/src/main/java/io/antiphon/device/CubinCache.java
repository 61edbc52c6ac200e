package io.antiphon.device;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Compiled kernels on disk, by the content of their source, headers, options, architecture and the
 * compiler's version. Several processes may use a folder: entries appear by a rename.
 */
public final class CubinCache {
  private static final Logger LOG = LoggerFactory.getLogger(CubinCache.class);

  /** What turns source into machine code. */
  interface Compiler {
    /** Fails if there is none. */
    String version();

    Cubin compile(
        KernelSource source, String text, Map<String, String> headers, Architecture architecture);
  }

  private static final Compiler NVRTC =
      new Compiler() {
        @Override
        public String version() {
          return Nvrtc.version();
        }

        @Override
        public Cubin compile(
            KernelSource source,
            String text,
            Map<String, String> headers,
            Architecture architecture) {
          return Nvrtc.compile(source, text, headers, architecture);
        }
      };

  private static final int MAX_BYTES = 64 << 20;
  private static final String FORMAT = "entry 2";

  private final Path folder;
  private final Compiler compiler;
  private int compiled;

  /** Entries in {@code folder}, which is made when the first is written. */
  public CubinCache(Path folder) {
    this(folder, NVRTC);
  }

  CubinCache(Path folder, Compiler compiler) {
    this.folder = folder;
    this.compiler = compiler;
  }

  /** Where the entries are. */
  public Path folder() {
    return folder;
  }

  /** Files that this object compiled because they were not there. */
  public int compiled() {
    return compiled;
  }

  /**
   * Version of the compiler, as "13.0".
   *
   * @throws DeviceException if there is none on this machine; the message says what is missing
   */
  public String compilerVersion() {
    return compiler.version();
  }

  Cubin get(KernelSource source, Architecture architecture) {
    Map<String, String> headers = SourceFiles.headers(source.file());
    String text = SourceFiles.text(source.file());
    Path entry = folder.resolve(key(source, text, headers, architecture) + ".cubin");
    Optional<Cubin> known = read(entry);
    if (known.isPresent()) {
      return known.orElseThrow();
    }
    long start = System.nanoTime();
    Cubin fresh = compiler.compile(source, text, headers, architecture);
    compiled++;
    LOG.debug(
        "compiled {} for {} in {} ms",
        source.file(),
        architecture.target(),
        (System.nanoTime() - start) / 1_000_000);
    write(entry, fresh);
    return fresh;
  }

  private String key(
      KernelSource source, String text, Map<String, String> headers, Architecture architecture) {
    MessageDigest digest = Cubin.sha256();
    add(digest, source.file());
    add(digest, text);
    headers.forEach(
        (name, header) -> {
          add(digest, name);
          add(digest, header);
        });
    source.names().forEach(name -> add(digest, name));
    Nvrtc.options(architecture).forEach(option -> add(digest, option));
    add(digest, compiler.version());
    add(digest, FORMAT);
    return HexFormat.of().formatHex(digest.digest(), 0, 16);
  }

  private static void add(MessageDigest digest, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    digest.update((bytes.length + ":").getBytes(StandardCharsets.UTF_8));
    digest.update(bytes);
  }

  private static Optional<Cubin> read(Path entry) {
    if (!Files.isRegularFile(entry)) {
      return Optional.empty();
    }
    try (InputStream in = Files.newInputStream(entry)) {
      byte[] bytes = in.readNBytes(MAX_BYTES + 1);
      if (bytes.length > MAX_BYTES) {
        throw new IOException("it is larger than " + MAX_BYTES + " bytes");
      }
      return Optional.of(Cubin.decode(bytes));
    } catch (IOException e) {
      LOG.warn("compiling again what {} should hold: {}", entry, e.toString());
      return Optional.empty();
    }
  }

  private void write(Path entry, Cubin cubin) {
    try {
      Files.createDirectories(folder);
      Path fresh = Files.createTempFile(folder, "new", ".tmp");
      try {
        Files.write(fresh, cubin.encode());
        Files.move(
            fresh, entry, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      } finally {
        Files.deleteIfExists(fresh); // still there if the disk is full
      }
    } catch (IOException e) {
      // The kernels are compiled: only the next start is slower.
      LOG.warn("compiled kernels are not kept in {}: {}", folder, e.toString());
    }
  }
}
