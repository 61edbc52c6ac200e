package io.antiphon.run;

import io.antiphon.conf.Settings;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Paths that settings give relative to the directory where a run was started. A run directory keeps
 * them absolute, since whoever reads it may be somewhere else.
 */
final class WorkingDirectory {
  private static final String ADDRESS = "[A-Za-z][A-Za-z0-9+.-]*:.*";

  /** Characters that mean something else in the pattern that a path may be. */
  private static final String PATTERN = ".*[*?\\[\\]{}\\\\,].*";

  private WorkingDirectory() {}

  /** Settings whose paths hold wherever they are read; for a host whose files are local ones. */
  static Settings absolute(Settings settings) {
    String here = Path.of("").toAbsolutePath().toString();
    List<String> overrides = new ArrayList<>();
    paths(settings)
        .forEach(
            (key, path) -> {
              boolean pattern = !key.equals("checkpoint.dir") && !key.equals("data.cache-dir");
              if (isRelative(path) && !(pattern && here.matches(PATTERN))) {
                overrides.add(key + "=" + here + "/" + path);
              }
            });
    return overrides.isEmpty() ? settings : settings.with(overrides);
  }

  /**
   * Overrides that put the absolute paths of {@code kept} in place of the relative ones they were
   * made of.
   */
  static List<String> overrides(Settings given, Settings kept) {
    Map<String, String> absolute = paths(kept);
    List<String> overrides = new ArrayList<>();
    paths(given)
        .forEach(
            (key, path) -> {
              String whole = absolute.getOrDefault(key, "");
              if (isRelative(path) && whole.endsWith("/" + path)) {
                overrides.add(key + "=" + whole);
              }
            });
    return overrides;
  }

  private static boolean isRelative(String path) {
    return !path.startsWith("/") && !path.matches(ADDRESS);
  }

  private static Map<String, String> paths(Settings settings) {
    Map<String, String> paths = new LinkedHashMap<>();
    put(paths, "data.text", settings.data().text());
    put(paths, "data.jsonl", settings.data().jsonl());
    put(paths, "data.parquet", settings.data().parquet());
    put(paths, "data.cache-dir", settings.data().cacheDir());
    put(paths, "checkpoint.dir", settings.checkpoint().dir());
    return paths;
  }

  private static void put(Map<String, String> paths, String key, Optional<String> path) {
    path.ifPresent(given -> paths.put(key, given));
  }
}
