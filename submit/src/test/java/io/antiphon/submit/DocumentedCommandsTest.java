package io.antiphon.submit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** Commands in the documents and in the help are commands that this program takes. */
class DocumentedCommandsTest {
  private static final List<String> DOCUMENTS =
      List.of("README.md", "docs/user-guide.md", "docs/operations.md");

  /** A command up to a comment, a pipe or the end of its line. */
  private static final Pattern COMMAND =
      Pattern.compile("(?:^ {2,}|\\| )(?:submit/)?antiphon ([^#|]+)");

  private static final Pattern WORD = Pattern.compile("\"([^\"]*)\"|'([^']*)'|(\\S+)");

  @Test
  void everyCommandInTheDocumentsParses() throws IOException {
    for (String document : DOCUMENTS) {
      String text = Files.readString(Path.of("..").resolve(document));
      List<String> commands = commands(text);
      assertThat(commands).as(document).isNotEmpty();
      commands.forEach(command -> assertParses(document, command));
    }
  }

  @Test
  void everyCommandHasExamplesThatParse() {
    CommandLine line = Antiphon.commandLine();
    for (CommandLine command : line.getSubcommands().values()) {
      String name = command.getCommandName();
      if (name.equals("help")) {
        continue;
      }
      String help = command.getUsageMessage();
      List<String> commands = commands(help);
      assertThat(commands).as("examples of " + name).isNotEmpty();
      commands.forEach(example -> assertParses(name + " --help", example));
    }
  }

  private static void assertParses(String where, String command) {
    List<String> words = new ArrayList<>();
    Matcher word = WORD.matcher(command);
    while (word.find()) {
      words.add(
          word.group(1) != null
              ? word.group(1)
              : word.group(2) != null ? word.group(2) : word.group(3));
    }
    assertThatCode(() -> Antiphon.commandLine().parseArgs(words.toArray(String[]::new)))
        .as(where + ": " + command)
        .doesNotThrowAnyException();
  }

  private static List<String> commands(String text) {
    List<String> commands = new ArrayList<>();
    String joined = text.replaceAll("\\\\\\R\\s*", " ");
    for (String line : joined.lines().toList()) {
      Matcher command = COMMAND.matcher(line);
      while (command.find()) {
        commands.add(command.group(1).strip());
      }
    }
    return commands;
  }
}
