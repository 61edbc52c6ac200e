package io.antiphon.submit;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine;

/** A small training run for the tests of the commands that read one. */
final class TinyRun {
  /** What a command wrote, and its exit code. */
  record Result(int exitCode, String out, String err) {}

  static final int STEPS = 6;

  private static final String SETTINGS =
      """
      name = tiny
      model { layers = 2, hidden = 16, attention-heads = 2, key-value-heads = 1, sequence-length = 32 }
      moe { experts = 8, top-k = 2, expert-ffn = 16, router-skew = 1.5, token-capacity = 1 }
      data.text = "TEXT"
      data.validation-sequences = 24
      optimizer.learning-rate = 1e-2
      schedule { steps = 6, warmup-steps = 1, global-batch = 8, micro-batch = 2, evaluate-every = 2 }
      parallelism.ranks = 4
      checkpoint.every-steps = 2
      monitor.report = false
      """;

  private TinyRun() {}

  /** Writes a text and settings for it, and returns the file of settings. */
  static Path settings(Path directory) throws IOException {
    Path text = Files.createDirectories(directory.resolve("text"));
    for (int file = 0; file < 3; file++) {
      StringBuilder words = new StringBuilder();
      for (int i = 0; i < 1500; i++) {
        words.append((i * 7919 + file * 104729) % 1013).append(i % 10 == 9 ? '\n' : ' ');
      }
      Files.writeString(text.resolve(file + ".txt"), words);
    }
    return Files.writeString(
        directory.resolve("tiny.conf"), SETTINGS.replace("TEXT", text.toString()));
  }

  /** Runs a command as {@code main} would. */
  static Result antiphon(String... arguments) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    CommandLine line = Antiphon.commandLine();
    line.setOut(new PrintWriter(out));
    line.setErr(new PrintWriter(err, true));
    int exitCode = line.execute(arguments);
    return new Result(exitCode, out.toString(), err.toString());
  }
}
