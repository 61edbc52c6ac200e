package io.antiphon.submit;

import io.antiphon.conf.Printable;
import io.antiphon.run.GenerationRun;
import io.antiphon.run.HostProvider;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Continues a prompt with a trained model. */
@Command(
    name = "generate",
    mixinStandardHelpOptions = true,
    description = {
      "Continues a text with a checkpoint of a run, to see what it learned.",
      "The prompt and its continuation go to standard output, in UTF-8, as they come; on a terminal"
          + " control characters show as \"?\". The text ends"
          + " where the model ends it, or after --tokens.",
      "The model sees the last model.sequence-length tokens; a longer prompt is cut at its"
          + " beginning."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  antiphon generate --run-dir runs/quickstart-1 --prompt \"It was\" --tokens 300",
      "  antiphon generate --run-dir runs/quickstart-1 --prompt \"It was\" --temperature 0",
      "  cat letter.txt | antiphon generate --run-dir runs/quickstart-1 --prompt - --seed 7"
    })
final class GenerateCommand implements Callable<Integer> {
  private static final String STANDARD_INPUT = "-";

  @Spec private CommandSpec spec = CommandSpec.create();

  @Mixin private SavedRunOptions saved = new SavedRunOptions();

  @Option(
      names = "--prompt",
      paramLabel = "TEXT",
      description =
          "Text to continue; - reads it from standard input, without its last line break. Default:"
              + " empty, which begins a new document.")
  private String prompt = "";

  @Option(
      names = "--tokens",
      paramLabel = "N",
      description = "At most so many tokens. Default: ${DEFAULT-VALUE}.")
  private int tokens = 200;

  @Option(
      names = "--temperature",
      paramLabel = "T",
      description =
          "Below 1 likely tokens get likelier; 0 always takes the likeliest. Default:"
              + " ${DEFAULT-VALUE}.")
  private double temperature = 0.8;

  @Option(
      names = "--top-p",
      paramLabel = "P",
      description =
          "Chooses among the likeliest tokens that make up the share P. Default:"
              + " ${DEFAULT-VALUE}.")
  private double topP = 0.95;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "Seed of the draws: the same gives the same text. Default: ${DEFAULT-VALUE}.")
  private long seed = 1;

  @Option(
      names = "--ranks",
      paramLabel = "N",
      description =
          "Ranks to compute on. With 1 all experts are in one place and nothing is planned; more"
              + " run as a Spark job with ECHO, as training does. Default: ${DEFAULT-VALUE}.")
  private int ranks = 1;

  @Override
  public Integer call() throws InterruptedException {
    requireUsable();
    PrintWriter out = spec.commandLine().getOut();
    GenerationRun run =
        GenerationRun.of(
            saved.runDirectory, saved.step(), ranks, saved.overrides, HostProvider.here());
    String text = prompt.equals(STANDARD_INPUT) ? standardInput() : prompt;
    Prompted prompted = new Prompted(out, text);
    run.generate(new GenerationRun.Request(text, tokens, temperature, topP, seed), prompted::piece);
    prompted.piece(System.lineSeparator());
    if (run.ruin().isPresent()) {
      spec.commandLine().getErr().println("antiphon: " + run.ruin().get());
      return Antiphon.FAILED;
    }
    return 0;
  }

  /** The prompt appears with the first piece of its continuation, not before an error. */
  private static final class Prompted {
    private final PrintWriter out;
    private final boolean terminal = System.getenv().containsKey(TrainCommand.TERMINAL);
    private String before;

    Prompted(PrintWriter out, String prompt) {
      this.out = out;
      this.before = prompt;
    }

    void piece(String piece) {
      out.print(shown(before + piece, terminal));
      out.flush();
      before = "";
    }
  }

  /** What a model writes may hold any character: a terminal would act on some. */
  static String shown(String piece, boolean terminal) {
    return terminal ? Printable.text(piece) : piece;
  }

  private void requireUsable() {
    require(tokens >= 1, "--tokens must be at least 1, was " + tokens);
    require(
        temperature >= 0 && Double.isFinite(temperature),
        "--temperature must be a number of at least 0, was " + temperature);
    require(topP > 0 && topP <= 1, "--top-p must be above 0 and at most 1, was " + topP);
    require(ranks >= 1, "--ranks must be at least 1, was " + ranks);
  }

  private void require(boolean fulfilled, String message) {
    if (!fulfilled) {
      throw new ParameterException(spec.commandLine(), message);
    }
  }

  private String standardInput() {
    try {
      String text = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
      return text.replaceFirst("\\r?\\n\\z", "");
    } catch (IOException e) {
      throw new ParameterException(
          spec.commandLine(), "standard input cannot be read: " + e.getMessage());
    }
  }
}
