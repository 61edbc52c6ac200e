package io.antiphon.monitor;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.SerializableString;
import com.fasterxml.jackson.core.io.CharacterEscapes;
import io.antiphon.train.RunSummary;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Writes {@code report.html}: one file that holds its style, script and data, and whose content
 * security policy forbids everything else, the network included.
 */
final class Report {

  private static final Pattern PLACEHOLDER = Pattern.compile("\\{\\{(\\w+)}}");
  private static final List<String> SCRIPTS =
      List.of("figures.js", "surface.js", "chart.js", "loads.js", "report.js");

  private Report() {}

  static void write(Path file, String title, RunSummary summary, ReportData data) {
    String html = html(title, json(summary, data));
    AtomicFile.write(file, out -> out.write(html.getBytes(StandardCharsets.UTF_8)));
  }

  private static String html(String title, String json) {
    String style = resource("report.css");
    StringBuilder script = new StringBuilder("\"use strict\";\n");
    for (String part : SCRIPTS) {
      script.append(resource(part));
    }
    Map<String, String> values =
        Map.of(
            "title", escapeHtml(title),
            "style", style,
            "styleHash", hash(style),
            "script", script.toString(),
            "scriptHash", hash(script.toString()),
            "data", json);
    Matcher placeholders = PLACEHOLDER.matcher(resource("report.html"));
    // One pass: a placeholder inside an inserted value stays what it is.
    return placeholders.replaceAll(
        match ->
            Matcher.quoteReplacement(
                Objects.requireNonNull(values.get(match.group(1)), match.group())));
  }

  private static String json(RunSummary summary, ReportData data) {
    StringWriter text = new StringWriter();
    try (JsonGenerator out = Json.FACTORY.createGenerator(text)) {
      out.setCharacterEscapes(new InHtml());
      data.write(summary, out);
    } catch (IOException e) {
      throw new UncheckedIOException(e); // memory does not fail
    }
    return text.toString();
  }

  private static String escapeHtml(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;")
        .replace("'", "&#39;");
  }

  private static String hash(String inlined) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(inlined.getBytes(StandardCharsets.UTF_8));
      return "sha256-" + Base64.getEncoder().encodeToString(digest);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  private static String resource(String name) {
    try (InputStream in = Report.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException("the class path lacks " + name);
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + name, e);
    }
  }

  /** Escapes what could end the script element that holds the JSON. */
  private static final class InHtml extends CharacterEscapes {
    private static final int[] ASCII = standardAsciiEscapesForJSON();

    static {
      ASCII['<'] = CharacterEscapes.ESCAPE_STANDARD;
      ASCII['>'] = CharacterEscapes.ESCAPE_STANDARD;
      ASCII['&'] = CharacterEscapes.ESCAPE_STANDARD;
    }

    @Override
    public int[] getEscapeCodesForAscii() {
      return ASCII;
    }

    @Override
    public @Nullable SerializableString getEscapeSequence(int character) {
      return null; // the standard escapes above do
    }
  }
}
