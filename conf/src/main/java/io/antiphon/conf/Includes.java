package io.antiphon.conf;

import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigIncludeContext;
import com.typesafe.config.ConfigIncluder;
import com.typesafe.config.ConfigIncluderClasspath;
import com.typesafe.config.ConfigIncluderFile;
import com.typesafe.config.ConfigIncluderURL;
import com.typesafe.config.ConfigObject;
import java.io.File;
import java.io.IOException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The include statements of one file. Other than the HOCON library, which passes over an include
 * that is not there, every include must exist; and nothing is fetched from a network, so that a
 * file means the same tomorrow.
 */
final class Includes
    implements ConfigIncluder, ConfigIncluderFile, ConfigIncluderURL, ConfigIncluderClasspath {
  private static final String PRESET = "preset:";

  private final HoconSource source;
  private final String label;
  private final String text;
  private final Path directory;
  private final List<String> chain;
  private final Set<String> inside;

  /**
   * Includes of the file that a run starts from.
   *
   * @param label what messages call the file
   * @param text its text, to find lines in
   * @param directory what relative includes are relative to
   */
  Includes(HoconSource source, String label, String text, Path directory) {
    this(source, label, text, directory, List.of(label), Set.of(realName(label)));
  }

  private Includes(
      HoconSource source,
      String label,
      String text,
      Path directory,
      List<String> chain,
      Set<String> inside) {
    this.source = source;
    this.label = label;
    this.text = text;
    this.directory = directory;
    this.chain = chain;
    this.inside = inside;
  }

  @Override
  public ConfigObject include(ConfigIncludeContext context, String what) {
    if (isRefused(what)) {
      return ConfigFactory.empty().root();
    }
    if (what.startsWith(PRESET)) {
      return includePreset(what, what.substring(PRESET.length()));
    }
    if (what.contains("://")) {
      return notFetched(what);
    }
    return includePath(what);
  }

  @Override
  public ConfigObject includeFile(ConfigIncludeContext context, File file) {
    return isRefused(file.getPath()) ? ConfigFactory.empty().root() : includePath(file.getPath());
  }

  @Override
  public ConfigObject includeURL(ConfigIncludeContext context, URL url) {
    return isRefused(url.toString()) ? ConfigFactory.empty().root() : notFetched(url.toString());
  }

  @Override
  public ConfigObject includeResources(ConfigIncludeContext context, String resource) {
    if (isRefused(resource)) {
      return ConfigFactory.empty().root();
    }
    if (resource.startsWith(Presets.DIRECTORY) && resource.endsWith(Presets.SUFFIX)) {
      return includePreset(
          resource,
          resource.substring(
              Presets.DIRECTORY.length(), resource.length() - Presets.SUFFIX.length()));
    }
    Optional<String> found = Presets.resource(resource);
    return found.isPresent()
        ? includeText(resource, "classpath:" + resource, found.get(), directory)
        : lost(resource, "there is no such resource on the class path", "correct the name");
  }

  @Override
  public ConfigIncluder withFallback(ConfigIncluder fallback) {
    return this;
  }

  private ConfigObject includePreset(String what, String name) {
    if (!Presets.names().contains(name)) {
      Problem problem = Presets.unknown(name);
      return lost(what, problem.limit(), problem.remedy());
    }
    return includeText(what, "preset " + name, Presets.text(name), directory);
  }

  /**
   * Reports an include that is not even looked at: of settings kept with a run, or one too many.
   */
  private boolean isRefused(String what) {
    if (source.selfContained()) {
      lost(what, "nothing can be included here", "write the values themselves");
      return true;
    }
    if (source.budget().include()) {
      return false;
    }
    if (source.budget().isFirstExcess()) {
      lost(what, HoconBudget.includesLimit(), "include each file once");
    }
    return true;
  }

  private ConfigObject includePath(String what) {
    Path file;
    try {
      Path path = directory.resolve(what);
      Path withSuffix = path.resolveSibling(path.getFileName() + Presets.SUFFIX);
      file = Files.exists(path) || !Files.exists(withSuffix) ? path : withSuffix;
    } catch (InvalidPathException e) {
      return lost(what, "is no path of a file: " + e.getReason(), "correct the path");
    }
    try {
      if (Files.exists(file) && !Files.isRegularFile(file)) {
        return lost(what, "must be a file: " + file + " is none", "include a file of settings");
      }
      Path parent = file.toAbsolutePath().getParent();
      return includeText(
          what, file.toString(), SettingsFile.text(file), parent == null ? directory : parent);
    } catch (NoSuchFileException e) {
      return lost(
          what,
          "there is no file " + file,
          "correct the path, which is relative to this file; a preset is included as"
              + " \"preset:NAME\"");
    } catch (IOException e) {
      return lost(what, "cannot be read: " + e, "make it a readable text file in UTF-8");
    }
  }

  /** One name for all paths to a file. If there is no such file, the name as it is. */
  private static String realName(String name) {
    try {
      return Path.of(name).toRealPath().toString();
    } catch (InvalidPathException | IOException e) {
      return name;
    }
  }

  private ConfigObject includeText(String what, String name, String included, Path base) {
    String real = realName(name);
    if (inside.contains(real)) {
      return lost(
          what,
          "includes itself: " + String.join(" -> ", chain) + " -> " + name,
          "remove one of these includes");
    }
    List<String> longer = new ArrayList<>(chain);
    longer.add(name);
    Set<String> deeper = new HashSet<>(inside);
    deeper.add(real);
    return source
        .parse(name, included, new Includes(source, name, included, base, longer, deeper))
        .root();
  }

  private ConfigObject notFetched(String url) {
    return lost(
        url, "settings are not fetched from a network", "save it as a file and include that");
  }

  private ConfigObject lost(String what, String limit, String remedy) {
    source.lost(new Problem(label, lineOf(what), "include \"" + what + "\"", "", limit, remedy));
    return ConfigFactory.empty().root();
  }

  private int lineOf(String what) {
    List<String> lines = text.lines().toList();
    for (int i = 0; i < lines.size(); i++) {
      if (lines.get(i).contains("include") && lines.get(i).contains("\"" + what + "\"")) {
        return i + 1;
      }
    }
    return 0;
  }
}
