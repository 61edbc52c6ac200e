package io.antiphon.fuzz;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Damage to an input: to its bytes, or to its words, numbers, quoted texts, brackets and lines. The
 * text is taken as ISO 8859-1, so that every byte survives.
 */
final class Mutation {
  private static final int LONGEST = 1 << 16;
  private static final Pattern TOKEN =
      Pattern.compile("\"[^\"\n]*\"|[A-Za-z_][A-Za-z0-9_-]*|[-+]?[0-9][0-9.eE+-]*|\\s+|.");

  private static final List<String> INTERESTING =
      List.of(
          "0",
          "-1",
          "1",
          "255",
          "2147483647",
          "2147483648",
          "-2147483648",
          "9223372036854775807",
          "9223372036854775808",
          "1e999",
          "-1e999",
          "1e-999",
          "0.1",
          "NaN",
          "Infinity",
          "null",
          "true",
          "[]",
          "{}",
          "\"\"",
          "\"\\u0000\"",
          "\"\\ud800\"",
          "\"\\u001b[2J\"",
          "\"..\"",
          "\"/\"",
          "\u0000",
          "\u001b[2J",
          "\u00ff\u00fe",
          "\u00ef\u00bb\u00bf",
          "\u00c3\u00bc",
          "{",
          "}",
          "[",
          "]",
          ":",
          ",",
          "\"",
          "\\",
          "\n",
          "\r\n",
          "=",
          "#",
          "${a}",
          "${?PATH}");

  private final SplittableRandom random;
  private final List<String> words;

  /** Mutations that also put in {@code words} of the format. */
  Mutation(SplittableRandom random, List<String> words) {
    this.random = random;
    this.words = words;
  }

  /** One to six changes of {@code input}; {@code other} is spliced in at times. */
  byte[] of(byte[] input, byte[] other) {
    byte[] bytes = input;
    for (int changes = 1 + random.nextInt(1 + random.nextInt(6)); changes > 0; changes--) {
      bytes = random.nextInt(3) == 0 ? changedBytes(bytes, other) : changedTokens(bytes);
      if (bytes.length > LONGEST) {
        bytes = Arrays.copyOf(bytes, LONGEST);
      }
    }
    return bytes;
  }

  private byte[] changedBytes(byte[] bytes, byte[] other) {
    int at = random.nextInt(bytes.length + 1);
    int end = at + random.nextInt(bytes.length - at + 1);
    byte[] range = Arrays.copyOfRange(bytes, at, end);
    return switch (random.nextInt(7)) {
      case 0 -> flipped(bytes);
      case 1 -> Arrays.copyOf(bytes, at);
      case 2 -> joined(bytes, at, end, new byte[0]);
      case 3 -> joined(bytes, end, end, range);
      case 4 -> {
        byte[] noise = new byte[1 + random.nextInt(8)];
        random.nextBytes(noise);
        yield joined(bytes, at, Math.min(bytes.length, at + noise.length), noise);
      }
      case 5 -> {
        int from = random.nextInt(other.length + 1);
        yield joined(bytes, at, end, Arrays.copyOfRange(other, from, other.length));
      }
      default -> {
        int far = random.nextInt(bytes.length + 1);
        yield joined(bytes, far, far, range);
      }
    };
  }

  private byte[] flipped(byte[] bytes) {
    byte[] copy = bytes.clone();
    if (copy.length > 0) {
      copy[random.nextInt(copy.length)] ^= (byte) (1 << random.nextInt(8));
    }
    return copy;
  }

  private byte[] changedTokens(byte[] bytes) {
    List<String> tokens = tokens(new String(bytes, ISO_8859_1));
    if (tokens.isEmpty()) {
      return interesting().getBytes(ISO_8859_1);
    }
    int at = random.nextInt(tokens.size());
    switch (random.nextInt(8)) {
      case 0 -> tokens.set(at, interesting());
      case 1 -> tokens.remove(at);
      case 2 -> tokens.add(at, interesting());
      case 3 -> tokens.add(at, tokens.get(random.nextInt(tokens.size())));
      case 4 -> tokens.set(at, tokens.set(random.nextInt(tokens.size()), tokens.get(at)));
      case 5 -> tokens.set(at, tokens.get(at).repeat(2 + random.nextInt(1 << random.nextInt(11))));
      case 6 -> {
        String bracket = random.nextBoolean() ? "[" : "{\"a\":";
        int depth = 1 << random.nextInt(11);
        String close = bracket.equals("[") ? "]" : "}";
        tokens.set(at, bracket.repeat(depth) + tokens.get(at) + close.repeat(depth));
      }
      default -> {
        int end = Math.min(tokens.size(), at + 1 + random.nextInt(20));
        List<String> range = new ArrayList<>(tokens.subList(at, end));
        for (int times = random.nextInt(5); times >= 0; times--) {
          tokens.addAll(end, range);
        }
      }
    }
    return String.join("", tokens).getBytes(ISO_8859_1);
  }

  private String interesting() {
    boolean own = !words.isEmpty() && random.nextBoolean();
    List<String> from = own ? words : INTERESTING;
    return from.get(random.nextInt(from.size()));
  }

  private static List<String> tokens(String text) {
    List<String> tokens = new ArrayList<>();
    Matcher matcher = TOKEN.matcher(text);
    while (matcher.find()) {
      tokens.add(matcher.group());
    }
    return tokens;
  }

  /** The bytes with {@code between} in place of {@code [start, end)}. */
  private static byte[] joined(byte[] bytes, int start, int end, byte[] between) {
    ByteArrayOutputStream joined = new ByteArrayOutputStream();
    joined.write(bytes, 0, start);
    joined.writeBytes(between);
    joined.write(bytes, end, bytes.length - end);
    return joined.toByteArray();
  }
}
