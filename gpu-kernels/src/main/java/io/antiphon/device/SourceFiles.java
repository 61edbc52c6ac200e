package io.antiphon.device;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Device code in the jar. */
final class SourceFiles {
  private static final String FOLDER = "/io/antiphon/kernel/";
  private static final Pattern INCLUDE = Pattern.compile("(?m)^#include \"([^\"]+)\"");

  private SourceFiles() {}

  /** The text of a file. */
  static String text(String file) {
    try (InputStream in = SourceFiles.class.getResourceAsStream(FOLDER + file)) {
      if (in == null) {
        throw new IllegalArgumentException("there is no device code " + file);
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read device code " + file, e);
    }
  }

  /** All headers that a file includes, directly or not, by name. */
  static Map<String, String> headers(String file) {
    Map<String, String> headers = new TreeMap<>();
    collect(text(file), headers);
    return headers;
  }

  private static void collect(String text, Map<String, String> headers) {
    Matcher matcher = INCLUDE.matcher(text);
    while (matcher.find()) {
      String name = matcher.group(1);
      if (!headers.containsKey(name)) {
        String header = text(name);
        headers.put(name, header);
        collect(header, headers);
      }
    }
  }
}
