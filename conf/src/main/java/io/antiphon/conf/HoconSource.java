package io.antiphon.conf;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigParseOptions;
import com.typesafe.config.ConfigResolveOptions;
import com.typesafe.config.ConfigResolver;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueFactory;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Turns the text of a file, with all it includes, into one HOCON object. What the HOCON library
 * throws becomes a {@link Problem} with file and line.
 */
final class HoconSource {
  /** Stands for a substitution's value; no file can hold it by chance or on purpose. */
  private static final String UNDEFINED = "\0undefined " + UUID.randomUUID() + "\0";

  private static final int REPORTED = 20; // each costs a walk through everything
  private static final Pattern SUBSTITUTION = Pattern.compile("\\$\\{([^}]*)}");

  private final List<Problem> problems;
  private final boolean selfContained;
  private final HoconBudget budget;
  private boolean complete = true;

  /**
   * A source that adds what it finds wrong to {@code problems}.
   *
   * @param selfContained whether the text must stand for itself, because it may be anybody's, as
   *     that of a checkpoint: it can neither include a file nor read the environment
   * @param budget what everything that is parsed may cost together
   */
  HoconSource(List<Problem> problems, boolean selfContained, HoconBudget budget) {
    this.problems = problems;
    this.selfContained = selfContained;
    this.budget = budget;
  }

  /** What everything that is parsed may cost together. */
  HoconBudget budget() {
    return budget;
  }

  /** Whether includes and substitutions are refused. */
  boolean selfContained() {
    return selfContained;
  }

  /** Whether everything could be read: if not, a missing key may stand in a part that is lost. */
  boolean complete() {
    return complete;
  }

  /** Parses a text and what it includes; a part that cannot be parsed is left out. */
  Config parse(String label, String text, Includes includes) {
    Optional<HoconBudget.Excess> excess = budget.spend(text);
    if (excess.isPresent()) {
      lost(
          new Place(label, excess.get().line())
              .problem("", "", excess.get().limit(), "write the values themselves, once each"));
      return ConfigFactory.empty();
    }
    try {
      return ConfigFactory.parseString(
          text, ConfigParseOptions.defaults().setOriginDescription(label).setIncluder(includes));
    } catch (ConfigException e) {
      lost(
          place(label, e)
              .problem(
                  "",
                  "",
                  "cannot be read as HOCON: " + withoutSecret(plain(e), text, e),
                  "check quotes, braces and commas there; text with any of : = , + # * ? { } [ ]"
                      + " needs double quotes"));
      return ConfigFactory.empty();
    }
  }

  /** Replaces every substitution by its value. */
  ConfigObject resolve(String label, Config config) {
    if (selfContained && !config.isResolved()) {
      lost(
          new Place(label, 0)
              .problem(
                  "",
                  "",
                  "must hold plain values: no substitution ${...} is evaluated here",
                  "write the values themselves"));
      return ConfigFactory.empty().root();
    }
    Optional<String> tooLong = Substitutions.tooLong(config.root());
    if (tooLong.isPresent()) {
      lost(
          new Place(label, 0)
              .problem(
                  tooLong.get(),
                  "",
                  "must not become longer than %d characters by its substitutions"
                      .formatted(Substitutions.LIMIT),
                  "write the value itself"));
      return ConfigFactory.empty().root();
    }
    Set<String> undefined = new HashSet<>();
    while (true) {
      try {
        return config
            .resolve(
                ConfigResolveOptions.defaults()
                    .setUseSystemEnvironment(!selfContained)
                    .appendResolver(new Placeholders(undefined)))
            .root();
      } catch (ConfigException e) {
        Matcher substitution = SUBSTITUTION.matcher(plain(e));
        boolean isUndefined =
            e instanceof ConfigException.UnresolvedSubstitution
                && !plain(e).contains("cycle")
                && substitution.find()
                && undefined.size() < REPORTED
                && undefined.add(substitution.group(1));
        if (!isUndefined) {
          lost(place(label, e).problem("", "", plain(e), "write the value itself"));
          return ConfigFactory.empty().root();
        }
        String name = substitution.group(1);
        problems.add(
            place(label, e)
                .problem(
                    "",
                    "",
                    "${" + name + "} is not defined",
                    "define "
                        + name
                        + " in the file or as an environment variable, or write ${?"
                        + name
                        + "} to go without it"));
      }
    }
  }

  /** Reports a problem that costs a part of the file. */
  void lost(Problem problem) {
    complete = false;
    problems.add(problem);
  }

  /** Whether a text contains the value of a substitution that is already reported. */
  static boolean isUndefined(String text) {
    return text.contains(UNDEFINED);
  }

  /** What the library says of a line, but for one that may hold a secret: it quotes parts of it. */
  private static String withoutSecret(String message, String text, ConfigException e) {
    int line = e.origin() == null ? 0 : e.origin().lineNumber();
    boolean secret =
        text.lines()
            .skip(Math.max(0, line - 2L))
            .limit(line > 0 ? 3 : Long.MAX_VALUE)
            .anyMatch(Redaction.of(Map.of())::hidesLine);
    return secret ? "(not quoted here, since a secret is near)" : message;
  }

  private static Place place(String label, ConfigException e) {
    return e.origin() == null ? new Place(label, 0) : Place.of(e.origin());
  }

  /** The library's message without the place before it and the advice on .properties behind it. */
  private static String plain(ConfigException e) {
    String message = String.valueOf(e.getMessage());
    String place = e.origin() == null ? "" : e.origin().description() + ": ";
    String rest = message.startsWith(place) ? message.substring(place.length()) : message;
    return rest.replaceFirst(" \\(if you intended .*", "");
  }

  /** Lets the library go on to the next undefined substitution after one is reported. */
  private record Placeholders(Set<String> undefined) implements ConfigResolver {
    @Override
    public @Nullable ConfigValue lookup(String path) {
      return undefined.contains(path) ? ConfigValueFactory.fromAnyRef(UNDEFINED) : null;
    }

    @Override
    public ConfigResolver withFallback(ConfigResolver fallback) {
      return this;
    }
  }
}
