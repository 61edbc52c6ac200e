package io.antiphon.conf;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * Which of Spark's properties hold a secret. Their values are used, but never written: not to a
 * file of the run, not to a checkpoint, not to a message.
 */
public final class Redaction {
  /** What is written in place of a secret; Spark writes the same. */
  public static final String PLACEHOLDER = "*********(redacted)";

  /** Spark's key for an own rule. */
  static final String KEY = "spark.redaction.regex";

  /** Spark's rule, with what keys of Azure's and Google's storage are called. */
  private static final Pattern DEFAULT =
      Pattern.compile(
          "(?i)secret|password|passphrase|token|credentials?+(?![.]?provider)|access[.]?key"
              + "|account[.]?key|private[.]?key");

  /** A name that looks like a secret's, its assignment, and what is assigned. */
  private static final Pattern ASSIGNMENT =
      Pattern.compile("((?:" + DEFAULT.pattern() + ")[^\\s=]{0,200}=)(\\S+)");

  private static final Pattern FLAG = Pattern.compile("(?i)\\s*(true|false)?\\s*");

  private static final int SHORTEST = 4; // shorter ones are in every message by chance

  private final Pattern rule;

  private Redaction(Pattern rule) {
    this.rule = rule;
  }

  /** The rule of these properties: their {@code spark.redaction.regex}, else the default. */
  public static Redaction of(Map<String, String> properties) {
    String own = properties.get(KEY);
    if (own == null) {
      return new Redaction(DEFAULT);
    }
    try {
      return new Redaction(Pattern.compile(own));
    } catch (PatternSyntaxException e) {
      return new Redaction(DEFAULT); // a rule of the settings reports it
    }
  }

  /** Whether a value is a secret, by its name or by what it says. */
  public boolean hides(String name, String value) {
    return !name.equals(KEY)
        && !FLAG.matcher(value).matches()
        && (rule.matcher(name).find() || rule.matcher(value).find());
  }

  /** The value as it may be written. */
  public String shown(String name, String value) {
    return hides(name, value) ? PLACEHOLDER : value;
  }

  /** A message about properties, of Spark for example, without the secrets among their values. */
  public static String without(String message, Map<String, String> properties) {
    Redaction redaction = of(properties);
    String shown = message;
    for (Map.Entry<String, String> property : properties.entrySet()) {
      String value = property.getValue();
      if (value.length() >= SHORTEST && redaction.hides(property.getKey(), value)) {
        shown = shown.replace(value, PLACEHOLDER);
      }
    }
    return shown;
  }

  /** A message about a command line, such as one that quotes an unknown option, without secrets. */
  public static String withoutAssignments(String message) {
    return ASSIGNMENT.matcher(message).replaceAll("$1" + Matcher.quoteReplacement(PLACEHOLDER));
  }

  /** Whether a line of a file may hold a secret. */
  boolean hidesLine(String line) {
    return rule.matcher(line).find();
  }

  /**
   * Fails if a secret is needed that was not written down when the settings were.
   *
   * @throws ConfigException with one problem per property that is still the placeholder
   */
  public static void requireGiven(Map<String, String> properties) {
    List<Problem> missing =
        new TreeMap<>(properties)
            .entrySet().stream()
                .filter(property -> property.getValue().equals(PLACEHOLDER))
                .map(property -> missing(property.getKey()))
                .toList();
    if (!missing.isEmpty()) {
      throw new ConfigException(missing);
    }
  }

  private static Problem missing(String name) {
    return new Problem(
        "settings",
        0,
        Schema.PROPERTIES + ".\"" + name + "\"",
        PLACEHOLDER,
        "must be given again: it is a secret, which is never written to the files of a run",
        "add it where the settings come from, or --set '%s.\"%s\"=VALUE'"
            .formatted(Schema.PROPERTIES, name));
  }

  /** A problem without the secret that it may show. */
  Problem of(Problem problem) {
    String key = problem.key();
    boolean property = key.startsWith(Schema.PROPERTIES + ".");
    boolean unknown = !Schema.KEYS.containsKey(key) && !problem.remedy().startsWith("did you mean");
    String name = property ? key.substring(Schema.PROPERTIES.length() + 1) : key;
    if (problem.value().isBlank() || !(property || unknown) || !hides(name, problem.value())) {
      return problem;
    }
    return new Problem(
        without(problem.file(), problem.value()),
        problem.line(),
        key,
        PLACEHOLDER,
        without(problem.limit(), problem.value()),
        without(problem.remedy(), problem.value()));
  }

  private static String without(String text, String secret) {
    return text.replace(secret, PLACEHOLDER);
  }
}
