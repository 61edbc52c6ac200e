package io.antiphon.simulate;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigParseOptions;
import io.antiphon.conf.PlainHocon;
import io.antiphon.conf.Printable;
import io.antiphon.conf.Problem;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.TreeSet;

/** Reads the constants of the {@link CostModel}. */
public final class CostFile {
  private static final String DEFAULTS = "cost.conf";

  private final String name;
  private final Config values;

  private CostFile(String name, Config values) {
    this.name = name;
    this.values = values;
  }

  /** The constants that ship with Antiphon. */
  public static CostModel defaults() {
    return new CostFile(DEFAULTS, shipped()).read();
  }

  /**
   * The shipped constants with those of a HOCON file in their place.
   *
   * @throws OptionException if the file cannot be read, or has unknown keys or impossible values
   */
  public static CostModel read(Path file) {
    Config own;
    try {
      own = PlainHocon.read(file);
    } catch (IOException e) {
      throw Limits.bad("%s: cannot be read. Give --cost an existing text file in UTF-8.", file);
    } catch (io.antiphon.conf.ConfigException e) {
      Problem first = e.problems().get(0);
      String line = first.line() > 0 ? "line " + first.line() + ": " : "";
      throw Limits.bad(
          "%s: %s%s. Write keys as in cost.conf.", file, line, Printable.line(first.limit()));
    }
    Config shipped = shipped();
    TreeSet<String> unknown = new TreeSet<>();
    own.entrySet().forEach(entry -> unknown.add(entry.getKey()));
    shipped.entrySet().forEach(entry -> unknown.remove(entry.getKey()));
    if (!unknown.isEmpty()) {
      TreeSet<String> known = new TreeSet<>();
      shipped.entrySet().forEach(entry -> known.add(entry.getKey()));
      throw Limits.bad(
          "%s: unknown keys %s. The keys are %s.",
          file, Printable.value(unknown.toString()), known);
    }
    return new CostFile(file.toString(), own.withFallback(shipped)).read();
  }

  private static Config shipped() {
    try (InputStream in = CostFile.class.getResourceAsStream(DEFAULTS)) {
      if (in == null) {
        throw new IllegalStateException("the class path lacks " + DEFAULTS);
      }
      try (Reader reader = new InputStreamReader(in, StandardCharsets.UTF_8)) {
        return ConfigFactory.parseReader(reader, named(DEFAULTS));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static ConfigParseOptions named(String name) {
    return ConfigParseOptions.defaults().setOriginDescription(name);
  }

  private CostModel read() {
    return new CostModel(
        number("gemm.peak-flops", Double.MIN_NORMAL, 1e18),
        number("gemm.efficiency", 1e-6, 1),
        whole("gemm.tile-rows", 1, 1 << 16),
        whole("gemm.passes", 1, 3),
        number("links.inside-bytes-per-second", 1, 1e18),
        number("links.between-bytes-per-second", 1, 1e18),
        whole("tokens.value-bytes", 1, 8),
        whole("tokens.transfers", 1, 8),
        whole("weights.weight-bytes", 0, 8),
        whole("weights.gradient-bytes", 0, 8),
        flag("weights.relay"),
        number("weights.hidden-share", 0, 1),
        number("plan-seconds", 0, 1));
  }

  private double number(String key, double least, double most) {
    try {
      double value = values.getDouble(key);
      if (value >= least && value <= most) {
        return value;
      }
      throw Limits.bad("%s: %s must be in [%s, %s], was %s.", name, key, least, most, value);
    } catch (ConfigException e) {
      throw Limits.bad("%s: %s is not a number (%s).", name, key, firstLine(e));
    }
  }

  private int whole(String key, int least, int most) {
    double value = number(key, least, most);
    if (value != Math.rint(value)) {
      throw Limits.bad("%s: %s must be a whole number, was %s.", name, key, value);
    }
    return (int) value;
  }

  private boolean flag(String key) {
    try {
      return values.getBoolean(key);
    } catch (ConfigException e) {
      throw Limits.bad("%s: %s must be true or false (%s).", name, key, firstLine(e));
    }
  }

  private static String firstLine(ConfigException e) {
    return Printable.value(String.valueOf(e.getMessage()).lines().findFirst().orElse(""));
  }
}
