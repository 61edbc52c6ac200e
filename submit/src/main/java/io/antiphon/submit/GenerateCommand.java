package io.antiphon.submit;

import io.antiphon.job.GenerationRun;
import io.antiphon.train.Sampling;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Continues a prompt with a trained model. */
@Command(
    name = "generate",
    mixinStandardHelpOptions = true,
    description = "Continues a text with the newest checkpoint of a run, to see what it learned.",
    footerHeading = "%nExample:%n",
    footer = "  antiphon generate --run-dir runs/quickstart-1 --prompt \"It was\" --tokens 300")
final class GenerateCommand implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();

  @Option(
      names = "--run-dir",
      required = true,
      paramLabel = "DIR",
      description = "Directory of the run.")
  private Path runDirectory = Path.of(".");

  @Option(names = "--prompt", paramLabel = "TEXT", description = "Text to continue.")
  private String prompt = "";

  @Option(
      names = "--tokens",
      paramLabel = "N",
      description = "At most so many tokens; default ${DEFAULT-VALUE}.")
  private int tokens = 200;

  @Option(
      names = "--temperature",
      paramLabel = "T",
      description = "0 takes the most likely token; default ${DEFAULT-VALUE}.")
  private double temperature = 0.8;

  @Option(
      names = "--top-p",
      paramLabel = "P",
      description =
          "Chooses among the most likely tokens that make up P; default ${DEFAULT-VALUE}.")
  private double topP = 0.95;

  @Option(names = "--seed", paramLabel = "N", description = "Seed of the draws.")
  private long seed = 1;

  @Override
  public Integer call() {
    if (tokens < 1 || !(temperature >= 0) || !(topP > 0 && topP <= 1)) {
      throw new ParameterException(
          spec.commandLine(),
          "need --tokens >= 1, --temperature >= 0 and 0 < --top-p <= 1; were %d, %s and %s"
              .formatted(tokens, temperature, topP));
    }
    PrintWriter out = spec.commandLine().getOut();
    out.print(prompt);
    new GenerationRun(runDirectory)
        .generate(
            prompt,
            tokens,
            new Sampling(temperature, topP, seed),
            text -> {
              out.print(text);
              out.flush();
            });
    out.println();
    out.flush();
    return 0;
  }
}
