package io.antiphon.data;

import java.util.Collection;
import java.util.Locale;

/** The name a user may have meant: the nearest by edit distance, if it is near enough. */
public final class NearestName {
  private NearestName() {}

  /** {@code " (did you mean 'x'?)"}, or nothing when no name is near. */
  public static String hint(String wanted, Collection<String> names) {
    String best = "";
    int bestDistance = wanted.length() / 3 + 2; // a third of the letters wrong is another word
    for (String name : names) {
      if (Math.abs(name.length() - wanted.length()) < bestDistance) {
        int distance = distance(wanted.toLowerCase(Locale.ROOT), name.toLowerCase(Locale.ROOT));
        if (distance < bestDistance
            || (distance == bestDistance && !best.isEmpty() && name.compareTo(best) < 0)) {
          best = name;
          bestDistance = distance;
        }
      }
    }
    return best.isEmpty() ? "" : " (did you mean '" + best + "'?)";
  }

  private static int distance(String left, String right) {
    int[] previous = new int[right.length() + 1];
    for (int j = 0; j <= right.length(); j++) {
      previous[j] = j;
    }
    for (int i = 1; i <= left.length(); i++) {
      int[] current = new int[right.length() + 1];
      current[0] = i;
      for (int j = 1; j <= right.length(); j++) {
        int substituted = previous[j - 1] + (left.charAt(i - 1) == right.charAt(j - 1) ? 0 : 1);
        current[j] = Math.min(substituted, 1 + Math.min(previous[j], current[j - 1]));
      }
      previous = current;
    }
    return previous[right.length()];
  }
}
