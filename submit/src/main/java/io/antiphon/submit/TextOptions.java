package io.antiphon.submit;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Another text in place of the run's own; at most one of these. */
final class TextOptions {
  @Option(
      names = "--text",
      paramLabel = "PATH",
      description = "Another text: files, a directory or a glob.")
  @Nullable String text;

  @Option(
      names = "--jsonl",
      paramLabel = "PATH",
      description = "Another text: files with one JSON object per line.")
  @Nullable String jsonl;

  @Option(names = "--parquet", paramLabel = "PATH", description = "Another text: Parquet files.")
  @Nullable String parquet;

  @Option(
      names = "--sql",
      paramLabel = "QUERY",
      description = "Another text: a Spark SQL query, or the name of a table.")
  @Nullable String sql;

  /** The keys to override; none if no option was given. */
  List<String> overrides() {
    List<String> overrides = new ArrayList<>();
    if (text == null && jsonl == null && parquet == null && sql == null) {
      return overrides;
    }
    add(overrides, "data.text", text);
    add(overrides, "data.jsonl", jsonl);
    add(overrides, "data.parquet", parquet);
    add(overrides, "data.sql", sql);
    overrides.add("data.document-separator=null"); // it belongs to the run's own text
    return overrides;
  }

  private static void add(List<String> overrides, String key, @Nullable String value) {
    overrides.add(key + "=" + (value == null ? "null" : value));
  }
}
