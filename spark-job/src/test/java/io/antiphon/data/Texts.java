package io.antiphon.data;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Made-up documents. */
public final class Texts {
  private Texts() {}

  /** Different documents of a few dozen to a few hundred characters, the same for the same seed. */
  public static List<String> of(int documents, long seed) {
    Random random = new Random(seed);
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < documents; i++) {
      StringBuilder text = new StringBuilder("document " + i);
      int words = 5 + random.nextInt(60);
      for (int word = 0; word < words; word++) {
        text.append(word % 11 == 10 ? '\n' : ' ')
            .append(Integer.toString(random.nextInt(1296), 36));
      }
      texts.add(text.append('.').toString());
    }
    return texts;
  }
}
