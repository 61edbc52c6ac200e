package io.antiphon.fuzz;

import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;

/**
 * Feeds a reader with damaged input until the time is over: {@code -Dantiphon.fuzz.seconds}, 2 by
 * default. Each input must be read, or refused by an exception that the reader promises, with a
 * message that is short and fit for a terminal; neither may take long or much memory.
 *
 * <p>Inputs that end in a way not seen before (another exception, from another line) become the
 * ground for more, which leads deeper into a reader without a coverage-guided engine. A failure
 * tells the seed, for {@code -Dantiphon.fuzz.seed}, and the input, cut down, in Base64.
 */
public final class Fuzz {
  /** The reader under test. */
  @FunctionalInterface
  public interface Reader {
    void read(byte[] input) throws Exception;
  }

  private static final int MOST_GROUND = 2_000;
  private static final int MESSAGE_CHARS = 110_000; // 50 problems of three lines of 2,000
  private static final long INPUT_BYTES_ALLOCATED = 512L << 20;
  private static final Duration INPUT_TIME = Duration.ofSeconds(60); // the machine may be busy
  private static final Duration SHRINKING = Duration.ofSeconds(10);

  private final String name;
  private final Set<Class<? extends Throwable>> refusals;
  private final List<String> words = new ArrayList<>();
  private final List<byte[]> ground = new ArrayList<>();
  private final Set<String> endings = new HashSet<>();

  private Fuzz(String name, Set<Class<? extends Throwable>> refusals) {
    this.name = name;
    this.refusals = refusals;
  }

  /** A reader that refuses input by one of these exceptions. */
  @SafeVarargs
  public static Fuzz of(String name, Class<? extends Throwable>... refusals) {
    Set<Class<? extends Throwable>> kinds = new HashSet<>();
    for (Class<? extends Throwable> refusal : refusals) {
      kinds.add(refusal);
    }
    return new Fuzz(name, kinds);
  }

  /** Adds sound inputs, to be damaged. */
  public Fuzz from(String... texts) {
    Stream.of(texts).map(text -> text.getBytes(StandardCharsets.UTF_8)).forEach(ground::add);
    return this;
  }

  /** Adds a sound input, to be damaged. */
  public Fuzz from(byte[] bytes) {
    ground.add(bytes.clone());
    return this;
  }

  /** Adds words that mean something in the format. */
  public Fuzz words(String... more) {
    words.addAll(List.of(more));
    return this;
  }

  /**
   * Feeds the reader.
   *
   * @throws AssertionError if an input breaks it
   */
  public void run(Reader reader) {
    Duration time = Duration.ofSeconds(Long.getLong("antiphon.fuzz.seconds", 2));
    long seed = Long.getLong("antiphon.fuzz.seed", System.nanoTime());
    byte[][] current = {new byte[0]};
    FutureTask<long[]> task = new FutureTask<>(() -> feed(reader, time, seed, current));
    Thread thread = new Thread(task, "fuzz " + name);
    thread.setDaemon(true);
    thread.start();
    try {
      long[] counts = task.get(time.plus(INPUT_TIME).plus(SHRINKING).toSeconds(), TimeUnit.SECONDS);
      System.out.printf(
          "fuzz %s: seed %d, %,d inputs, %,d refused, %,d kinds of endings, %.1f s of CPU%n",
          name, seed, counts[0], counts[1], endings.size(), counts[2] / 1e9);
    } catch (TimeoutException e) {
      AssertionError hang =
          new AssertionError(
              "fuzz %s, seed %d: hangs on %s".formatted(name, seed, shown(current[0])));
      hang.setStackTrace(thread.getStackTrace());
      throw hang;
    } catch (ExecutionException e) {
      throw e.getCause() instanceof AssertionError failure ? failure : new AssertionError(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private long[] feed(Reader reader, Duration time, long seed, byte[][] current) {
    long deadline = System.nanoTime() + time.toNanos();
    SplittableRandom random = new SplittableRandom(seed);
    Mutation mutation = new Mutation(random, words);
    for (byte[] sound : List.copyOf(ground)) {
      Ending ending = read(reader, sound);
      if (!ending.name().isEmpty()) {
        throw failure(seed, "does not read what is sound: " + ending.name(), sound, ending);
      }
    }
    long inputs = 0;
    long refused = 0;
    while (System.nanoTime() < deadline) {
      byte[] input =
          mutation.of(
              ground.get(random.nextInt(ground.size())), ground.get(random.nextInt(ground.size())));
      current[0] = input;
      Ending ending = read(reader, input);
      inputs++;
      refused += ending.name().isEmpty() ? 0 : 1;
      if (!ending.fault().isEmpty()) {
        throw failure(seed, ending.fault(), shrunk(reader, input, ending), ending);
      }
      if (endings.add(ending.name()) && ground.size() < MOST_GROUND) {
        ground.add(input);
      }
    }
    long cpu = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    return new long[] {inputs, refused, cpu};
  }

  /**
   * How an input ended.
   *
   * @param name class and place of what was thrown; empty if the input was read
   * @param fault what is wrong with that; empty if nothing is
   * @param thrown empty or one
   */
  private record Ending(String name, String fault, List<Throwable> thrown) {}

  private Ending read(Reader reader, byte[] input) {
    long allocated = allocated();
    Ending ending;
    try {
      reader.read(input.clone());
      ending = new Ending("", "", List.of());
    } catch (VirtualMachineError | Exception | AssertionError e) {
      ending = new Ending(place(e), fault(e), List.of(e));
    }
    long bytes = allocated() - allocated;
    return bytes > INPUT_BYTES_ALLOCATED && ending.fault().isEmpty()
        ? new Ending(ending.name(), "allocates %,d bytes".formatted(bytes), ending.thrown())
        : ending;
  }

  private String fault(Throwable thrown) {
    if (refusals.stream().noneMatch(kind -> kind.isInstance(thrown))) {
      return "throws " + thrown.getClass().getName();
    }
    String message = String.valueOf(thrown.getMessage());
    if (message.length() > MESSAGE_CHARS) {
      return "has a message of " + message.length() + " characters";
    }
    boolean control =
        message.chars().anyMatch(c -> c != '\n' && c != '\t' && Character.isISOControl(c));
    return control ? "has control characters in its message" : "";
  }

  private static String place(Throwable thrown) {
    StringBuilder place = new StringBuilder(thrown.getClass().getName());
    String words =
        String.valueOf(thrown.getMessage()).replaceAll("[\"'][^\"']*[\"']|[^A-Za-z ]+", "");
    place.append(' ').append(words, 0, Math.min(words.length(), 80));
    Arrays.stream(thrown.getStackTrace())
        .filter(frame -> !frame.getClassName().startsWith("io.antiphon.fuzz"))
        .limit(6)
        .forEach(
            frame ->
                place
                    .append(' ')
                    .append(frame.getFileName())
                    .append(':')
                    .append(frame.getLineNumber()));
    return place.toString();
  }

  /** The input without what it does not need to break the reader in the same way. */
  private byte[] shrunk(Reader reader, byte[] input, Ending ending) {
    long deadline = System.nanoTime() + SHRINKING.toNanos();
    byte[] smallest = input;
    for (int chunk = Math.max(1, input.length / 2); chunk > 0; chunk /= 2) {
      for (int at = 0; at + chunk <= smallest.length; ) {
        if (System.nanoTime() > deadline) {
          return smallest;
        }
        byte[] shorter = new byte[smallest.length - chunk];
        System.arraycopy(smallest, 0, shorter, 0, at);
        System.arraycopy(smallest, at + chunk, shorter, at, shorter.length - at);
        if (read(reader, shorter).fault().equals(ending.fault())) {
          smallest = shorter;
        } else {
          at += chunk;
        }
      }
    }
    return smallest;
  }

  private AssertionError failure(long seed, String fault, byte[] input, Ending ending) {
    AssertionError failure =
        new AssertionError("fuzz %s, seed %d: %s on %s".formatted(name, seed, fault, shown(input)));
    ending.thrown().forEach(failure::initCause);
    return failure;
  }

  private static String shown(byte[] input) {
    return input.length + " bytes, in Base64 " + Base64.getEncoder().encodeToString(input);
  }

  private static long allocated() {
    return ManagementFactory.getPlatformMXBean(com.sun.management.ThreadMXBean.class)
        .getThreadAllocatedBytes(Thread.currentThread().getId());
  }
}
