package io.antiphon.data.tokenizer;

import java.util.Collection;
import java.util.HashMap;
import java.util.Map;

/** Finds out whether a text spells one of some tokens. */
public final class SpecialTexts {
  private static final class Node {
    private final Map<Character, Node> next = new HashMap<>();
    private boolean end;
  }

  private final Node root = new Node();

  /** Empty texts are spelled by none. */
  public SpecialTexts(Collection<String> texts) {
    for (String text : texts) {
      Node node = root;
      for (int i = 0; i < text.length(); i++) {
        node = node.next.computeIfAbsent(text.charAt(i), unseen -> new Node());
      }
      node.end = !text.isEmpty();
    }
  }

  /** Whether one of the texts occurs in {@code text}. */
  public boolean occurIn(String text) {
    if (root.next.isEmpty()) {
      return false;
    }
    for (int start = 0; start < text.length(); start++) {
      Node node = root.next.get(text.charAt(start));
      for (int at = start + 1; node != null; at++) {
        if (node.end) {
          return true;
        }
        node = at < text.length() ? node.next.get(text.charAt(at)) : null;
      }
    }
    return false;
  }
}
