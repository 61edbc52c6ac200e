package io.antiphon.data.tokenizer;

import ai.djl.huggingface.tokenizers.jni.LibUtils;
import io.antiphon.data.DataException;
import io.antiphon.data.Reasons;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.CodeSource;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Opens a {@code tokenizer.json} in a process of its own, and encodes and decodes with it.
 *
 * <p>A content that the native library does not expect makes it abort or overflow its stack, which
 * ends the whole process: here that is the child, and the driver says why. Executors open the same
 * bytes afterwards.
 */
public final class TokenizerTrial {
  private static final Logger LOG = LoggerFactory.getLogger(TokenizerTrial.class);

  // An idle machine needs less than a tenth of it.
  private static final Duration LIMIT = Duration.ofMinutes(1);
  private static final Duration LIMIT_PER_MIB = Duration.ofSeconds(10);

  private static final int REFUSED = 3;
  private static final String STARTED = "trial started";
  private static final long MIN_HEAP_BYTES = 128L << 20;
  private static final int HEAP_PER_BYTE = 6; // the text, its copies, and all tokens as a text

  // Half of what the JVM gives a thread: what fits here fits a task of Spark.
  private static final long STACK_BYTES = 512L << 10;
  private static final int MAX_DECODED = 1 << 20;
  private static final int MAX_SINGLE = 2000;
  private static final int MAX_TEXT = 100_000;

  /** Letters, digits, signs, white space of all kinds, several scripts, a long word. */
  private static final String SAMPLE =
      "The quick  brown fox\tisn't 12345.678e-9, \"it\" (was) <s>[CLS] a_b/c\\d@e.f?\r\n\n\n"
          + "   \u00a0\u2003\u200b na\u00efve e\u0301 \ufb01 \u65e5\u672c\u8a9e\u3002"
          + " \u0627\u0644\u0639\u0631 \u0939\u093f \ud83d\ude42\ud83d\udc68\u200d\ud83d\udc69"
          + " \u0000\u0001\u007f\ufffd\uffff "
          + "ab".repeat(4000);

  private TokenizerTrial() {}

  /**
   * Tries the content that executors will open.
   *
   * @param path for messages
   * @throws DataException if the library cannot use it, or crashes; this process lives on
   */
  static void run(String path, String json, int vocabulary) {
    HuggingFaceTokenizerFile.loadLibrary(); // a machine on which it does not load says so here
    byte[] content = json.getBytes(StandardCharsets.UTF_8);
    try {
      Path directory = Files.createTempDirectory("antiphon-tokenizer-");
      try {
        run(path, content, vocabulary, directory);
      } finally {
        delete(directory);
      }
    } catch (IOException noProcess) {
      LOG.warn(
          "{} is opened without a trial in a process of its own, which does not start: {}",
          path,
          Reasons.of(noProcess));
    }
  }

  private static void run(String path, byte[] content, int vocabulary, Path directory)
      throws IOException {
    Path output = directory.resolve("output");
    Process process =
        new ProcessBuilder(command(content.length, directory))
            .directory(directory.toFile())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    try {
      try (DataOutputStream to = new DataOutputStream(process.getOutputStream())) {
        to.writeInt(vocabulary);
        to.write(content);
      } catch (IOException diedBeforeItReadAll) {
        LOG.debug("the trial of {} does not read", path, diedBeforeItReadAll);
      }
      Duration limit = LIMIT.plus(LIMIT_PER_MIB.multipliedBy(content.length >> 20));
      if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
        throw TokenizerJson.broken(
            path, "the native library did not get through it in " + limit.toSeconds() + " s");
      }
      int code = process.exitValue();
      if (code != 0) {
        String said = new String(Files.readAllBytes(output), StandardCharsets.UTF_8);
        List<String> lines = said.lines().toList();
        if (!lines.contains(STARTED)) { // the JVM's own trouble, not the file's
          throw new IOException(last(lines));
        }
        throw TokenizerJson.broken(path, code == REFUSED ? last(lines) : crash(code, lines));
      }
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
      throw new DataException("stopped while " + path + " was tried", stopped);
    } finally {
      process.destroyForcibly();
    }
  }

  private static List<String> command(long bytes, Path directory) {
    long heap = MIN_HEAP_BYTES + HEAP_PER_BYTE * bytes;
    return List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-Xmx" + (heap >> 10) + "k",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-XX:-CreateCoredumpOnCrash",
        "-XX:ErrorFile=" + directory.resolve("hs_err.log"),
        "-Dai.djl.offline=true",
        "-cp",
        classPath(),
        TokenizerTrial.class.getName());
  }

  /** The few jars that the trial needs: Spark's hundreds would take longer to open. */
  private static String classPath() {
    Set<String> places = new LinkedHashSet<>();
    for (Class<?> needed :
        List.of(
            TokenizerTrial.class,
            LibUtils.class,
            ai.djl.util.Platform.class,
            com.google.gson.Gson.class,
            LoggerFactory.class)) {
      Optional<String> place = place(needed);
      if (place.isEmpty()) {
        return System.getProperty("java.class.path");
      }
      places.add(place.get());
    }
    return String.join(System.getProperty("path.separator"), places);
  }

  private static Optional<String> place(Class<?> of) {
    try {
      CodeSource source = of.getProtectionDomain().getCodeSource();
      return source == null || source.getLocation() == null
          ? Optional.empty()
          : Optional.of(Path.of(source.getLocation().toURI()).toString());
    } catch (java.net.URISyntaxException
        | IllegalArgumentException
        | java.nio.file.FileSystemNotFoundException notAFile) {
      return Optional.empty();
    }
  }

  private static String crash(int code, List<String> lines) {
    String how =
        switch (code) {
          case 134 -> "aborts (exit code 134)";
          case 137 -> "is killed (exit code 137; does memory run out?)";
          case 139 -> "overflows its stack or its memory (exit code 139)";
          default -> "ends its process (exit code " + code + ")";
        };
    for (int i = 0; i < lines.size(); i++) {
      if (lines.get(i).contains("panicked at")) {
        String why = i + 1 < lines.size() ? lines.get(i + 1) : "";
        return "the native library " + how + " on it: " + printable(lines.get(i) + " " + why);
      }
    }
    return "the native library " + how + " on it";
  }

  private static String last(List<String> lines) {
    return lines.isEmpty()
        ? "the native library refuses it"
        : printable(lines.get(lines.size() - 1));
  }

  private static String printable(String text) {
    return Reasons.of(new IllegalArgumentException(text.replaceAll("\\p{Cc}", " ")));
  }

  private static void delete(Path directory) {
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
      Files.delete(directory);
    } catch (IOException failure) {
      LOG.debug("{} stays", directory, failure);
    }
  }

  /** The child: reads the vocabulary's size and the file from its standard input. */
  public static void main(String[] arguments) throws Exception {
    int code = 0;
    try (OutputStream raw = new FileOutputStream(FileDescriptor.out);
        PrintStream out = new PrintStream(raw, true, StandardCharsets.UTF_8)) {
      out.println(STARTED);
      DataInputStream in = new DataInputStream(System.in);
      int vocabulary = in.readInt();
      String json = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      LibUtils.checkStatus();
      AtomicReference<Throwable> failure = new AtomicReference<>();
      Thread thread =
          new Thread(
              null,
              () -> {
                try {
                  use(json, vocabulary);
                } catch (RuntimeException | Error refused) {
                  failure.set(refused);
                }
              },
              "trial",
              STACK_BYTES);
      thread.start();
      thread.join();
      Throwable refused = failure.get();
      if (refused != null) {
        String message = String.valueOf(refused.getMessage());
        out.println();
        out.println(message.lines().findFirst().orElse(refused.getClass().getSimpleName()));
        code = REFUSED;
      }
    }
    Runtime.getRuntime().halt(code);
  }

  private static void use(String json, int vocabulary) {
    try (NativeTokenizer tokenizer = new NativeTokenizer(json)) {
      requireKnown(tokenizer.encode(""), vocabulary);
      requireKnown(tokenizer.encode(SAMPLE), vocabulary);
      tokenizer.decode(new long[0]);
      long[] all = new long[Math.min(vocabulary, MAX_DECODED)];
      for (int id = 0; id < all.length; id++) {
        all[id] = id;
      }
      String words = tokenizer.decode(all);
      requireKnown(
          tokenizer.encode(words.substring(0, Math.min(words.length(), MAX_TEXT))), vocabulary);
      for (int id = 0; id < vocabulary; id += Math.max(1, vocabulary / MAX_SINGLE)) {
        tokenizer.decode(new long[] {id});
      }
    }
  }

  private static void requireKnown(long[] tokens, int vocabulary) {
    for (long token : tokens) {
      if (token < 0 || token >= vocabulary) {
        throw new IllegalArgumentException(
            "it gives token " + token + ", beyond its vocabulary " + vocabulary);
      }
    }
  }
}
