package io.antiphon.monitor;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.SerializableString;
import com.fasterxml.jackson.core.io.CharacterEscapes;
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
 * A page that shows JSON data: one file that holds its style, scripts and data, and whose content
 * security policy forbids everything else, the network included. Templates and scripts are
 * resources beside this class; uPlot, which draws the lines, comes from its jar on the class path.
 */
public final class HtmlPage {

  /** Writes the data of a page. */
  public interface Data {
    /** Writes one JSON value. */
    void writeTo(JsonGenerator out) throws IOException;
  }

  private static final Pattern PLACEHOLDER = Pattern.compile("\\{\\{(\\w+)}}");
  private static final String STYLE = "report.css";

  /** Its version is that of {@code uplot.version} in the root pom.xml. */
  private static final String UPLOT = "/META-INF/resources/webjars/uplot/1.6.30/";

  private static final List<String> SHARED_SCRIPTS =
      List.of("figures.js", "surface.js", "chart.js");

  private final String template;
  private final List<String> scripts;

  /**
   * A kind of page.
   *
   * @param template name of the HTML resource
   * @param scripts names of its own scripts, which run after the shared ones
   */
  public HtmlPage(String template, List<String> scripts) {
    this.template = template;
    this.scripts = List.copyOf(scripts);
  }

  /**
   * Writes a page, or replaces it in one go.
   *
   * @throws UncheckedIOException if the file cannot be written
   */
  public void write(Path file, String title, Data data) {
    String html = html(title, json(data));
    AtomicFile.write(file, out -> out.write(html.getBytes(StandardCharsets.UTF_8)));
  }

  private String html(String title, String json) {
    String style = resource(UPLOT + "dist/uPlot.min.css") + "\n" + resource(STYLE);
    StringBuilder script = new StringBuilder("\"use strict\";\n").append(uPlot());
    SHARED_SCRIPTS.forEach(part -> script.append(resource(part)));
    scripts.forEach(part -> script.append(resource(part)));
    Map<String, String> values =
        Map.of(
            "title", escapeHtml(title),
            "style", style,
            "styleHash", hash(style),
            "script", script.toString(),
            "scriptHash", hash(script.toString()),
            "data", json);
    Matcher placeholders = PLACEHOLDER.matcher(resource(template));
    // One pass: a placeholder inside an inserted value stays what it is.
    return placeholders.replaceAll(
        match ->
            Matcher.quoteReplacement(
                Objects.requireNonNull(values.get(match.group(1)), match.group())));
  }

  /** The licence, which every copy must hold, in place of the comment that names a web page. */
  private static String uPlot() {
    String code = resource(UPLOT + "dist/uPlot.iife.min.js");
    return "/* uPlot\n\n"
        + resource(UPLOT + "LICENSE").strip()
        + " */\n"
        + code.substring(code.indexOf("*/") + 2).strip()
        + "\n";
  }

  private static String json(Data data) {
    StringWriter text = new StringWriter();
    try (JsonGenerator out = Json.FACTORY.createGenerator(text)) {
      out.setCharacterEscapes(new InHtml());
      data.writeTo(out);
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
    try (InputStream in = HtmlPage.class.getResourceAsStream(name)) {
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
