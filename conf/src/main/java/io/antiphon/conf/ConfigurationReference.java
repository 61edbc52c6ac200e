package io.antiphon.conf;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Writes {@code docs/configuration.md}: every key as its annotation describes it. */
public final class ConfigurationReference {
  private static final String INTRODUCTION =
      """
      # Configuration

      <!-- Generated from the records of io.antiphon.conf; a test compares. To refresh it:
           %s -->

      A run is described by one HOCON file (JSON with less punctuation, comments and includes). Start from a preset
      and change what you need:

      ```hocon
      include "preset:quickstart"   # or include classpath("io/antiphon/conf/presets/quickstart.conf")

      name = my-run
      model.hidden = 256
      data.text = "books/*.txt"     # text with any of : = , + # * ? { } [ ] needs double quotes
      ```

      - **Overrides.** `--set key=value` replaces a value for one run, before defaults are derived and anything is
        checked. `--set key=null` returns a key to its default.
      - **Includes.** `include "other.conf"` is relative to the including file; later lines win over earlier ones. An
        include that does not exist is an error, and nothing is fetched from a network. At most 64 files are read,
        each of at most 256 KiB.
      - **Substitutions.** `${key}` stands for another key's value or an environment variable; `${?NAME}` is left out
        if there is none. At most 200 of them, which make all values together at most 2^20 characters long.
      - **Errors.** Everything wrong with a file is reported at once, with file, line, limit and remedy. An unknown
        key is an error. Many keys have a Megatron-LM twin; write `num-layers` and the message says `model.layers`.
      - **Effective settings.** A run writes every value it used to `config.conf` in its directory, a valid file itself.
        When a run is read again, it and the settings of a checkpoint may include nothing and read no environment.
      - **Secrets.** A value below `spark.properties` that Spark would hide in its UI (by `spark.redaction.regex`; without one,
        names and values with secret, password, token, credentials, access key, account key or private key) is used, but
        written as `*********(redacted)` to files, checkpoints and messages. Give it again whenever the run needs it, best as
        `"spark.hadoop.fs.s3a.secret.key" = ${S3_KEY}` from the environment: arguments of `--set` show in the list of processes.
      - **Resume.** Says whether a key may change when a run goes on from its checkpoint. Keys that may not would make
        it another training; the run refuses to start and lists them. *Same content*: the name may change, but not
        the tokens it stands for ([checkpoints.md](checkpoints.md#the-same-data)).

      A key without a default is required. A default that names other keys is derived from those.
      """;

  private static final String BROKEN =
      """
      include "preset:quickstart"
      model.attention-heads = 3
      moe {
        topk = 4
        echo.slots-per-rank = two
      }
      """;

  /** The command that rewrites the page, for those who find it stale. */
  static final String REFRESH =
      "mvn -q -pl conf test -Dtest=ConfigurationReferenceTest -Dantiphon.update-docs=true";

  private ConfigurationReference() {}

  /**
   * Writes the page to the file named by the only argument ({@code /dev/stdout} shows it).
   *
   * @throws IOException if the file cannot be written
   */
  public static void main(String[] arguments) throws IOException {
    if (arguments.length != 1) {
      throw new IllegalArgumentException(
          "one argument, the file to write, is needed; there were " + arguments.length);
    }
    Files.writeString(Path.of(arguments[0]), page());
  }

  /** The page as Markdown. */
  static String page() {
    return Stream.of(
            Stream.of(INTRODUCTION.formatted(REFRESH)),
            Schema.ROOT.groups().map(ConfigurationReference::section),
            Stream.of(rules(), presets(), errors()))
        .flatMap(parts -> parts)
        .collect(Collectors.joining("\n"));
  }

  private static String section(Group group) {
    return (group.path().isEmpty() ? "## Top level" : "## " + group.path())
        + "\n\n"
        + group.doc()
        + ".\n\n"
        + table(
            List.of("key", "value", "default", "resume", "meaning", "Megatron-LM"),
            group.ownKeys().map(ConfigurationReference::row));
  }

  private static List<String> row(SettingKey key) {
    return List.of(
        "`" + key.name() + "`",
        key.limits() + (key.key().unit().isEmpty() ? "" : "; " + key.key().unit()),
        defaultOf(key),
        key.key().resume().words(),
        key.key().doc(),
        Stream.of(key.key().megatron())
            .map(flag -> flag.replaceFirst("^(\\S+)", "`$1`"))
            .collect(Collectors.joining(", ")));
  }

  private static String defaultOf(SettingKey key) {
    if (key.optional()) {
      return key.key().absent();
    }
    if (!key.key().byDefault().isEmpty()) {
      return "`" + key.key().byDefault() + "`";
    }
    if (!key.key().derived().isEmpty()) {
      return "`" + key.key().derived() + "`";
    }
    return key.kind() == ValueKind.PROPERTIES ? "none" : "**required**";
  }

  private static String rules() {
    return Rule.ALL.stream()
        .map(rule -> "- " + rule.sentence() + "\n")
        .collect(Collectors.joining("", "## Rules across keys\n\n", ""));
  }

  private static String presets() {
    return "## Presets\n\n"
        + table(
            List.of("preset", "what it is"),
            Presets.names().stream().map(name -> List.of("`" + name + "`", Presets.summary(name))));
  }

  private static String errors() {
    String message = "";
    try {
      SettingsReader.source("my-run.conf", BROKEN, List.of("schedule.steps=ten"));
    } catch (ConfigException e) {
      message = e.getMessage();
    }
    return "## What an error looks like\n\n`my-run.conf`, started with `--set"
        + " schedule.steps=ten`:\n\n```hocon\n"
        + BROKEN
        + "```\n\n```\n"
        + message
        + "```\n";
  }

  private static String table(List<String> header, Stream<List<String>> rows) {
    List<String> rule = header.stream().map(column -> "---").toList();
    return Stream.concat(Stream.of(header, rule), rows)
        .map(
            row ->
                row.stream()
                    .map(cell -> cell.replace("|", "\\|"))
                    .collect(Collectors.joining(" | ", "| ", " |\n")))
        .collect(Collectors.joining());
  }
}
