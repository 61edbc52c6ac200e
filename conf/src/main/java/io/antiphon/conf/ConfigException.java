package io.antiphon.conf;

import java.util.List;
import java.util.stream.Collectors;

/** The user's settings cannot be used. Lists every problem found, not only the first. */
public final class ConfigException extends RuntimeException {
  private static final int SHOWN = 50;

  @SuppressWarnings("serial") // List.copyOf returns a serializable list
  private final List<Problem> problems;

  /** The message is the terminal's text: one block of lines per problem. */
  public ConfigException(List<Problem> problems) {
    super(message(problems));
    this.problems = List.copyOf(problems);
  }

  /** All problems, in the order of files and lines; never empty. */
  public List<Problem> problems() {
    return problems;
  }

  private static String message(List<Problem> problems) {
    if (problems.isEmpty()) {
      throw new IllegalArgumentException("a ConfigException needs at least one problem");
    }
    String count = problems.size() == 1 ? "1 problem" : problems.size() + " problems";
    String more =
        problems.size() > SHOWN ? "\n\nand " + (problems.size() - SHOWN) + " more\n" : "\n";
    return problems.stream()
        .limit(SHOWN)
        .map(Problem::toString)
        .collect(Collectors.joining("\n\n", count + " in the settings:\n\n", more));
  }
}
