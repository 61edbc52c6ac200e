package io.antiphon.conf;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/** What the user probably meant. */
final class Spelling {
  /** No key or choice is nearly as long; comparing takes the time of both lengths multiplied. */
  private static final int LONGEST = 64;

  private Spelling() {}

  /** The candidate that looks most like a word, if any looks like it at all. */
  static Optional<String> closest(String word, Collection<String> candidates) {
    if (word.length() > LONGEST) {
      return Optional.empty();
    }
    String plain = kebab(word);
    return candidates.stream()
        .filter(candidate -> distance(plain, candidate) <= tolerance(plain, candidate))
        .min(Comparator.comparingInt(candidate -> distance(plain, candidate)));
  }

  /**
   * The known path that an unknown one probably stands for: misspelled below the same parent, right
   * but below another parent, or called by its Megatron flag.
   */
  static Optional<String> closestPath(String unknown) {
    if (unknown.length() > 2 * LONGEST) {
      return Optional.empty();
    }
    return Stream.concat(
            Schema.KEYS.values().stream(),
            Schema.GROUPS.values().stream().filter(group -> !group.path().isEmpty()))
        .map(node -> new Guess(node.path(), cost(unknown, node)))
        .filter(guess -> guess.cost() < UNLIKE)
        .min(Comparator.comparingInt(Guess::cost))
        .map(Guess::path);
  }

  private record Guess(String path, int cost) {}

  private static final int UNLIKE = 1_000;

  private static int cost(String unknown, Node node) {
    String name = kebab(unknown.substring(unknown.lastIndexOf('.') + 1));
    String parent = kebab(unknown.substring(0, Math.max(0, unknown.lastIndexOf('.'))));
    if (node instanceof SettingKey key && key.flags().contains("--" + name)) {
      return 1;
    }
    int distance = distance(name, node.name());
    boolean sameParent = parent.equals(node.parent());
    int allowed = sameParent ? tolerance(name, node.name()) : name.length() >= 7 ? 1 : 0;
    if (distance > allowed) {
      return UNLIKE;
    }
    // A near miss in the same group is likelier than the same name in another one.
    return 10 * distance + (sameParent ? 0 : 2 + Math.min(7, distance(parent, node.parent())));
  }

  private static int tolerance(String one, String other) {
    return Math.max(1, Math.max(one.length(), other.length()) / 3);
  }

  /** {@code topK}, {@code top_k} and {@code Top-K} are all {@code top-k}. */
  private static String kebab(String name) {
    return name.strip()
        .replaceAll("([a-z0-9])([A-Z])", "$1-$2")
        .replace('_', '-')
        .toLowerCase(Locale.ROOT);
  }

  /** Edits between two words: insert, delete, replace, or swap of neighbours. */
  static int distance(String one, String other) {
    int[][] edits = new int[one.length() + 1][other.length() + 1];
    for (int i = 0; i <= one.length(); i++) {
      for (int j = 0; j <= other.length(); j++) {
        if (i == 0 || j == 0) {
          edits[i][j] = i + j;
          continue;
        }
        boolean same = one.charAt(i - 1) == other.charAt(j - 1);
        int best = Math.min(edits[i - 1][j], edits[i][j - 1]) + 1;
        best = Math.min(best, edits[i - 1][j - 1] + (same ? 0 : 1));
        if (i > 1
            && j > 1
            && one.charAt(i - 1) == other.charAt(j - 2)
            && one.charAt(i - 2) == other.charAt(j - 1)) {
          best = Math.min(best, edits[i - 2][j - 2] + 1);
        }
        edits[i][j] = best;
      }
    }
    return edits[one.length()][other.length()];
  }
}
