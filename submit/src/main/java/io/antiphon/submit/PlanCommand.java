package io.antiphon.submit;

import io.antiphon.plan.EchoPlan;
import io.antiphon.plan.PlanShape;
import io.antiphon.plan.Planner;
import io.antiphon.plan.PlannerKind;
import io.antiphon.simulate.OptionException;
import io.antiphon.trace.CountsInput;
import io.antiphon.trace.RoutingRecord;
import io.antiphon.trace.TraceException;
import java.io.PrintWriter;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code antiphon plan}: what ECHO would do with recorded assignment counts. */
@Command(
    name = "plan",
    description = "Plan expert clones for recorded assignment counts, without a run or a GPU.",
    footerHeading = "%nExample:%n",
    footer = {
      "  echo '{\"counts\": [[10, 2, 4, 4], [14, 1, 3, 6]]}' |",
      "    antiphon plan --counts - --slots-per-rank 1"
    })
final class PlanCommand implements Callable<Integer> {
  private static final List<String> PLANNERS =
      PlannerKind.labels().stream().filter(name -> !name.equals(PlannerKind.NONE.label())).toList();

  /** Most entries of one plan; bounds memory where counts alone do not. */
  private static final long MAX_PLAN_ENTRIES = 1L << 24;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Option(
      names = "--counts",
      required = true,
      paramLabel = "FILE",
      description = {
        "JSON objects {\"counts\": [[...], ...]}: one row per source rank, one count per expert;"
            + " one object per line for many matrices. - reads standard input."
      })
  private String file = "";

  // Texts, so that a bad value gives one line like every other error here.
  @Option(
      names = "--slots-per-rank",
      required = true,
      paramLabel = "K",
      description = "Echo slots of each rank; 0 plans no clones.")
  private String slotsText = "";

  @Option(
      names = "--planner",
      paramLabel = "NAME",
      description =
          "balanced, or one of the prototype's: bin-packing (one slot per rank only), one-shot."
              + " Default: ${DEFAULT-VALUE}.")
  private String plannerName = PlannerKind.BALANCED.label();

  @Option(
      names = "--ranks-per-node",
      paramLabel = "N",
      description =
          "Consecutive ranks that share a node: balanced keeps clones there where it can. Default:"
              + " all.")
  private Optional<Integer> ranksPerNode = Optional.empty();

  @Mixin private BalanceArguments balance = new BalanceArguments();

  @Option(names = "--json", description = "Write one JSON object per matrix instead of tables.")
  private boolean json;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this help and exit.")
  @SuppressWarnings("UnusedVariable") // picocli acts on it
  private boolean help;

  private Optional<Planner> lastPlanner = Optional.empty();

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    int slotsPerRank = slotsPerRank();
    String name = plannerName(slotsPerRank);
    balance.options(ranksPerNode.orElse(1)); // a bad value is told before any input is read
    try (CountsInput input = CountsInput.open("--counts", file)) {
      if (planAll(input, slotsPerRank, name, out)) {
        return ExitCode.OK;
      }
    }
    spec.commandLine().getErr().println("standard output closed before every plan was written.");
    return ExitCode.SOFTWARE;
  }

  /** Whether every answer could be written. */
  private boolean planAll(CountsInput input, int slotsPerRank, String name, PrintWriter out) {
    Optional<RoutingRecord> matrix = input.next();
    if (matrix.isEmpty()) {
      throw new TraceException(
          input.name()
              + ": holds no counts. Write one object {\"counts\": [[...], ...]} per matrix.");
    }
    while (matrix.isPresent() && !out.checkError()) { // which also flushes the answer before
      answer(matrix.get(), slotsPerRank, name, out);
      matrix = input.next();
      if (matrix.isPresent() && !json) {
        out.println();
      }
    }
    return !out.checkError();
  }

  private void answer(RoutingRecord matrix, int slotsPerRank, String name, PrintWriter out) {
    Planner planner = planner(shape(matrix, slotsPerRank), name);
    EchoPlan plan = new EchoPlan(planner.shape());
    int[] counts = matrix.counts().toArray();
    planner.plan(counts, plan);
    PlanReport report = new PlanReport(plan, counts);
    if (json) {
      report.writeJson(out);
    } else {
      report.writeTable(matrix.source(), name, out);
    }
  }

  private int slotsPerRank() {
    try {
      int slotsPerRank = Integer.parseInt(slotsText);
      if (slotsPerRank >= 0) {
        return slotsPerRank;
      }
    } catch (NumberFormatException e) {
      // one message for both
    }
    throw new OptionException(
        "--slots-per-rank must be a whole number from 0 to the number of experts, was "
            + slotsText
            + ". Use 1 for bin-packing, 1 or more for the others, 0 for no clones.");
  }

  private String plannerName(int slotsPerRank) {
    if (!PLANNERS.contains(plannerName)) {
      throw new OptionException(
          "--planner must be one of "
              + String.join(", ", PLANNERS)
              + ", was "
              + plannerName
              + ". Choose one of them.");
    }
    if (plannerName.equals(PlannerKind.BIN_PACKING.label()) && slotsPerRank != 1) {
      throw new OptionException(
          "--planner bin-packing takes exactly 1 slot per rank, --slots-per-rank was "
              + slotsPerRank
              + ". Use --slots-per-rank 1 or --planner balanced.");
    }
    return slotsPerRank == 0 ? PlannerKind.NONE.label() : plannerName;
  }

  private static PlanShape shape(RoutingRecord matrix, int slotsPerRank) {
    int ranks = matrix.counts().ranks();
    int experts = matrix.counts().experts();
    if (slotsPerRank > experts) {
      throw new OptionException(
          matrix.source()
              + ": --slots-per-rank "
              + slotsPerRank
              + " exceeds the "
              + experts
              + " experts. Lower --slots-per-rank to at most "
              + experts
              + ".");
    }
    long entries = (long) ranks * ranks * slotsPerRank; // at most 2^11 ranks and 2^22 experts
    if (entries > MAX_PLAN_ENTRIES) {
      throw new OptionException(
          matrix.source()
              + ": a plan of "
              + ranks
              + " x "
              + ranks
              + " ranks x "
              + slotsPerRank
              + " slots has "
              + entries
              + " entries; the limit is "
              + MAX_PLAN_ENTRIES
              + ". Lower --slots-per-rank.");
    }
    return new PlanShape(ranks, experts, slotsPerRank);
  }

  private Planner planner(PlanShape shape, String name) {
    Planner planner =
        lastPlanner
            .filter(last -> last.shape().equals(shape))
            .orElseGet(
                () ->
                    PlannerKind.named(name)
                        .orElseThrow()
                        .create(shape, balance.options(ranksPerNode.orElse(shape.ranks()))));
    lastPlanner = Optional.of(planner);
    return planner;
  }
}
