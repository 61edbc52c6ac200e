package io.antiphon.conf;

import com.typesafe.config.ConfigUtil;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
import java.util.Optional;

/** Writes effective settings as HOCON that reads back as equal settings. */
public final class SettingsWriter {
  private SettingsWriter() {}

  /**
   * Every key with its value, defaults included; absent optional keys are left out, and a {@link
   * Redaction#PLACEHOLDER} stands for every secret.
   */
  public static String render(Settings settings) {
    Values values = Values.of(settings);
    Map<String, String> properties = values.properties();
    Redaction redaction = Redaction.of(properties);
    properties.replaceAll(redaction::shown);
    values.put(Schema.PROPERTIES, properties, Place.NOWHERE);
    return render(values);
  }

  /** Renders with the secrets: for another process of the run, never for a file. */
  static String renderWithSecrets(Settings settings) {
    return render(Values.of(settings));
  }

  private static String render(Values values) {
    StringBuilder text =
        new StringBuilder("# The effective settings of a run: every key with its value.\n");
    if (values.properties().containsValue(Redaction.PLACEHOLDER)) {
      text.append("# Secrets are left out: give those marked (redacted) again.\n");
    }
    render(Schema.ROOT, values, "", text);
    return text.toString();
  }

  /** Writes {@link #render} to a file, which appears complete or not at all. */
  public static void write(Settings settings, Path file) throws IOException {
    Path partial = file.resolveSibling(file.getFileName() + ".partial");
    Files.writeString(partial, render(settings));
    Files.move(partial, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
  }

  private static void render(Group group, Values values, String indent, StringBuilder text) {
    for (Node child : group.children()) {
      if (child instanceof Group inner) {
        text.append('\n').append(indent).append(inner.name()).append(" {\n");
        render(inner, values, indent + "  ", text);
        text.append(indent).append("}\n");
      } else if (child instanceof SettingKey key && isWritten(key, values)) {
        String value = hocon(key, values).replace("\n", "\n" + indent);
        text.append(indent).append(key.name()).append(" = ").append(value).append('\n');
      }
    }
  }

  private static boolean isWritten(SettingKey key, Values values) {
    return key.present(values.component(key.path())).isPresent()
        && !(key.kind() == ValueKind.PROPERTIES && values.properties().isEmpty());
  }

  /** One value as HOCON; {@code null} for an absent optional. */
  static String hocon(SettingKey key, Values values) {
    if (key.kind() == ValueKind.PROPERTIES) {
      StringBuilder group = new StringBuilder("{\n");
      for (Map.Entry<String, String> property : values.properties().entrySet()) {
        group
            .append("  ")
            .append(ConfigUtil.quoteString(property.getKey()))
            .append(" = ")
            .append(ConfigUtil.quoteString(property.getValue()))
            .append('\n');
      }
      return group.append('}').toString();
    }
    Optional<Object> value = key.present(values.component(key.path()));
    return value
        .map(key.kind()::show)
        .map(text -> key.kind() == ValueKind.TEXT ? ConfigUtil.quoteString(text) : text)
        .orElse("null");
  }
}
