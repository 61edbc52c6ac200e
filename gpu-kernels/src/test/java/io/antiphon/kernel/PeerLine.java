package io.antiphon.kernel;

import io.antiphon.device.DeviceException;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One line that {@code torch_peer.py} printed: a shape and its routing, and what the peer reached
 * there.
 */
public final class PeerLine {
  /** What a benchmark does with the lines of the peer, in their order. */
  public interface Benchmark {
    /** Measures the same and prints a table. */
    void run(List<PeerLine> lines, PrintStream out);
  }

  private static final String SCRIPT = "torch_peer.py";

  private final String place;
  private final String text;

  private PeerLine(String place, String text) {
    this.place = place;
    this.text = text;
  }

  /**
   * Runs {@code antiphon bench NAME FILE}.
   *
   * @param arguments the file of what the peer printed
   * @return exit status: 2 if something is missing, which {@code err} then names
   */
  public static int run(
      String name, String[] arguments, Benchmark benchmark, PrintStream out, PrintStream err) {
    try {
      benchmark.run(read(arguments), out);
      return 0;
    } catch (IllegalArgumentException | DeviceException e) {
      err.println("antiphon bench " + name + ": " + e.getMessage());
      return 2;
    }
  }

  private static List<PeerLine> read(String[] arguments) {
    if (arguments.length != 1) {
      throw new IllegalArgumentException(
          "needs one argument, the file of what "
              + SCRIPT
              + " (tools/ of a bundle, tests/src/bench/python/ of the source) printed on this"
              + " machine; had "
              + arguments.length);
    }
    Path file = Path.of(arguments[0]);
    List<PeerLine> lines = new ArrayList<>();
    try {
      List<String> all = Files.readAllLines(file, StandardCharsets.UTF_8);
      for (int i = 0; i < all.size(); i++) {
        if (all.get(i).startsWith("{\"shape\"")) {
          lines.add(new PeerLine(file + ", line " + (i + 1), all.get(i)));
        }
      }
    } catch (NoSuchFileException e) {
      throw new IllegalArgumentException(
          "there is no file " + file + "; write it with python3 " + SCRIPT + " > " + file, e);
    } catch (IOException e) {
      throw new IllegalArgumentException("cannot read " + file + ": " + e, e);
    }
    if (lines.isEmpty()) {
      throw new IllegalArgumentException(file + " has no line that " + SCRIPT + " prints");
    }
    return lines;
  }

  /** Shape and skew, as tables name them. */
  public String title() {
    return word("shape").orElseThrow(() -> missing("shape"))
        + " "
        + required("skew").replaceAll("\\.0$", "");
  }

  /** A whole number that every line has. */
  public int integer(String key) {
    return Integer.parseInt(required(key));
  }

  /** A number that every line has. */
  public double number(String key) {
    return Double.parseDouble(required(key));
  }

  /** A time or a rate; empty if the peer was not asked for it, or failed. */
  public OptionalDouble measured(String key) {
    Optional<String> value = find("\"" + key + "\": (-?[0-9.e+-]+)");
    return value.isPresent()
        ? OptionalDouble.of(Double.parseDouble(value.orElseThrow()))
        : OptionalDouble.empty();
  }

  /** A text; empty if the line has none. */
  public Optional<String> word(String key) {
    return find("\"" + key + "\": \"([^\"]*)\"");
  }

  /** Rows of each expert. */
  public int[] counts() {
    String list = find("\"counts\": \\[([0-9, ]+)\\]").orElseThrow(() -> missing("counts"));
    return Arrays.stream(list.split(", *")).mapToInt(Integer::parseInt).toArray();
  }

  private String required(String key) {
    return find("\"" + key + "\": (-?[0-9.e+-]+)").orElseThrow(() -> missing(key));
  }

  private Optional<String> find(String pattern) {
    Matcher matcher = Pattern.compile(pattern).matcher(text);
    return matcher.find() ? Optional.of(matcher.group(1)) : Optional.empty();
  }

  private IllegalArgumentException missing(String key) {
    return new IllegalArgumentException(
        place + " has no \"" + key + "\": print it again with the " + SCRIPT + " of this version");
  }
}
