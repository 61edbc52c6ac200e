package io.antiphon.conf;

import com.typesafe.config.Config;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A user's HOCON file that is no settings of a run: plain values, bounded as settings are, that
 * neither include files nor read the environment.
 */
public final class PlainHocon {
  private PlainHocon() {}

  /**
   * Reads a file.
   *
   * @throws ConfigException if it is no such text, with every reason
   * @throws IOException if it cannot be read
   */
  public static Config read(Path file) throws IOException {
    String label = file.toString();
    String text = SettingsFile.text(file);
    List<Problem> problems = new ArrayList<>();
    HoconSource source = new HoconSource(problems, true, HoconBudget.written());
    Config values =
        SettingsReader.guarded(
            label,
            () -> {
              Includes none = new Includes(source, label, text, Path.of(""));
              return source.resolve(label, source.parse(label, text, none)).toConfig();
            });
    if (!problems.isEmpty()) {
      throw new ConfigException(problems);
    }
    return values;
  }
}
