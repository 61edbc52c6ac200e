package io.antiphon.submit;

import io.antiphon.run.EvaluationRun;
import io.antiphon.run.HostProvider;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Measures the loss of a checkpoint. */
@Command(
    name = "evaluate",
    mixinStandardHelpOptions = true,
    description = {
      "Measures the loss of a checkpoint on the validation split of its run, or on another text.",
      "Experts are routed and planned as in training. On the ranks of the run, the loss has the"
          + " same bits as the one the run recorded at this step.",
      "At most data.validation-sequences sequences are evaluated; of another text, its first ones."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  antiphon evaluate --run-dir runs/quickstart-1",
      "  antiphon evaluate --run-dir runs/quickstart-1 --step 250 --ranks 2 --json",
      "  antiphon evaluate --run-dir runs/quickstart-1 --text 'books/*.txt' \\",
      "      --set data.validation-sequences=100000"
    })
final class EvaluateCommand implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();

  @Mixin private SavedRunOptions saved = new SavedRunOptions();

  @ArgGroup(exclusive = true)
  private TextOptions text = new TextOptions();

  @Option(
      names = "--ranks",
      paramLabel = "N",
      description = "Ranks to compute on. Default: those of the run.")
  private @Nullable Integer ranks;

  @Option(names = "--json", description = "Write one JSON object instead of text.")
  private boolean json;

  @Override
  public Integer call() throws InterruptedException {
    List<String> overrides = new ArrayList<>(text.overrides());
    overrides.addAll(saved.overrides);
    EvaluationRun.Result result =
        EvaluationRun.of(
                saved.runDirectory,
                saved.step(),
                ranks == null ? OptionalInt.empty() : OptionalInt.of(ranks),
                overrides,
                HostProvider.here())
            .run();
    PrintWriter out = spec.commandLine().getOut();
    EvaluationReport report = new EvaluationReport(saved.runDirectory, result);
    if (json) {
      report.writeJson(out);
    } else {
      report.writeText(out);
    }
    out.flush();
    if (result.ruin().isPresent()) {
      spec.commandLine().getErr().println("antiphon: " + result.ruin().get());
      return Antiphon.FAILED;
    }
    return 0;
  }
}
