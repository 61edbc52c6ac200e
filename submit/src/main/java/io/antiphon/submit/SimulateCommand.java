package io.antiphon.submit;

import io.antiphon.monitor.Terminal;
import io.antiphon.monitor.WorkProgress;
import io.antiphon.run.HostProvider;
import io.antiphon.simulate.CostFile;
import io.antiphon.simulate.CostModel;
import io.antiphon.simulate.OptionException;
import io.antiphon.simulate.Recommendation;
import io.antiphon.simulate.SampleSource;
import io.antiphon.simulate.Simulation;
import io.antiphon.simulate.SimulationJson;
import io.antiphon.simulate.SimulationOptions;
import io.antiphon.simulate.SimulationReport;
import io.antiphon.simulate.SimulationResult;
import io.antiphon.simulate.SyntheticWorkload;
import io.antiphon.simulate.TraceSource;
import io.antiphon.simulate.WorkloadKind;
import io.antiphon.simulate.WorkloadOptions;
import io.antiphon.trace.CountsInput;
import io.antiphon.trace.RoutingTrace;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code antiphon simulate}: what balancing would buy, without a run or a GPU. */
@Command(
    name = "simulate",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Compares planners, EPLB and perfect balance on the same routing counts, synthetic or"
          + " recorded, and estimates what each costs. Needs no GPU; docs/simulate.md explains"
          + " every number."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  antiphon simulate --workload zipf --ranks 64 --experts 256 --recommend",
      "  antiphon simulate --workload w6 --ranks 16 --experts 128 --html rotating.html",
      "  antiphon simulate --trace routing/ --slots-per-rank 1,2 --json"
    })
final class SimulateCommand implements Callable<Integer> {
  /** Set by the launcher if its error output ends at a terminal. */
  private static final String TERMINAL = "ANTIPHON_ERROR_TERMINAL";

  @Spec private CommandSpec spec = CommandSpec.create();

  @Option(
      names = "--workload",
      paramLabel = "NAME",
      description =
          "Synthetic counts: zipf, drift, or w0 to w7 of the public imbalance benchmark. Default:"
              + " zipf.")
  private Optional<String> workload = Optional.empty();

  @Option(
      names = "--trace",
      paramLabel = "PATH",
      description =
          "Recorded counts: a file of JSON lines {\"step\":..,\"layer\":..,\"counts\":[[..]]}, -"
              + " for standard input, or a Parquet file or directory.")
  private Optional<String> trace = Optional.empty();

  @Option(names = "--ranks", paramLabel = "R", description = "Default ${DEFAULT-VALUE}.")
  private int ranks = 64;

  @Option(
      names = "--experts",
      paramLabel = "E",
      description = "Per layer, a multiple of the ranks; default ${DEFAULT-VALUE}.")
  private int experts = 256;

  @Option(
      names = "--top-k",
      paramLabel = "K",
      description = "Experts per token; default ${DEFAULT-VALUE}.")
  private int topK = 8;

  @Option(
      names = "--tokens",
      paramLabel = "T",
      description = "Per rank and micro-batch; default ${DEFAULT-VALUE}.")
  private int tokens = 4096;

  @Option(names = "--steps", paramLabel = "N", description = "Default ${DEFAULT-VALUE}.")
  private int steps = 100;

  @Option(
      names = "--layers",
      paramLabel = "N",
      description = "MoE layers; default ${DEFAULT-VALUE}.")
  private int layers = 1;

  @Option(names = "--seed", paramLabel = "N", description = "Seed of the draws.")
  private long seed = 1;

  @Option(
      names = "--zipf-exponent",
      paramLabel = "X",
      description = "Skew of zipf and drift; default ${DEFAULT-VALUE}.")
  private double zipfExponent = 0.7;

  @Option(
      names = "--drift-steps",
      paramLabel = "N",
      description = "Steps after which drift has a new order; default ${DEFAULT-VALUE}.")
  private int driftSteps = 100;

  @Option(
      names = "--hot-experts",
      paramLabel = "N",
      description = "Hot block of w1, w2, w6 and w7. Default: a quarter of the experts.")
  private Optional<Integer> hotExperts = Optional.empty();

  @Option(
      names = "--slots-per-rank",
      split = ",",
      paramLabel = "K",
      description = "Spare slots of each rank to try. Default: 1,2,4.")
  private List<Integer> slotsPerRank = new ArrayList<>();

  @Option(
      names = "--ranks-per-node",
      paramLabel = "N",
      description = "Ranks joined by fast links; default ${DEFAULT-VALUE}.")
  private int ranksPerNode = 8;

  @Option(
      names = "--planners",
      split = ",",
      paramLabel = "NAME",
      description = "Default: all planners and eplb. none and perfect always take part.")
  private List<String> planners = new ArrayList<>();

  @Mixin private BalanceArguments balance = new BalanceArguments();

  @Option(
      names = "--hidden",
      paramLabel = "D",
      description = "Hidden size; default ${DEFAULT-VALUE}.")
  private int hidden = 7168;

  @Option(
      names = "--ffn",
      paramLabel = "F",
      description = "Inner size of an expert; default ${DEFAULT-VALUE}.")
  private int ffn = 2048;

  @Option(
      names = "--cost",
      paramLabel = "FILE",
      description = "HOCON file that overrides constants of the cost model.")
  private Optional<Path> cost = Optional.empty();

  @Option(
      names = "--eplb-period",
      paramLabel = "N",
      description = "Steps between two plans of EPLB; default ${DEFAULT-VALUE}.")
  private int eplbPeriod = 10;

  @Option(
      names = "--eplb-history",
      paramLabel = "N",
      description = "Past steps EPLB looks at; default ${DEFAULT-VALUE}.")
  private int eplbHistory = 10;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Workers; results do not depend on it. Default: all CPUs.")
  private int threads = Runtime.getRuntime().availableProcessors();

  @Option(names = "--recommend", description = "Say what to set and what it should bring.")
  private boolean recommend;

  @Option(names = "--json", description = "Write one JSON object instead of tables.")
  private boolean json;

  @Option(
      names = "--html",
      paramLabel = "FILE",
      description = "Also write a report with plots, one file without references.")
  private Optional<Path> html = Optional.empty();

  @Override
  public Integer call() {
    try (SampleSource source = source()) {
      run(source);
      return ExitCode.OK;
    }
  }

  private void run(SampleSource source) {
    Simulation simulation = new Simulation(options(source), source);
    requireWritable();
    Terminal terminal =
        Terminal.of(System.err, System.getenv().containsKey(TERMINAL), System.getenv());
    SimulationResult result;
    try (WorkProgress progress = WorkProgress.of(terminal, "samples", source.size())) {
      result = simulation.run(progress::done);
    }
    Recommendation advice = Recommendation.of(result);
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      SimulationJson.write(result, advice, out);
    } else {
      new SimulationTable(result).write(out);
      if (recommend) {
        out.println();
        advice.sentences().forEach(out::println);
      }
    }
    out.flush();
    html.ifPresent(file -> writeReport(file, result, advice));
  }

  private SampleSource source() {
    if (trace.isPresent()) {
      if (workload.isPresent()) {
        throw new OptionException("--trace and --workload exclude each other. Give one of them.");
      }
      return new TraceSource(open(trace.get()));
    }
    String name = workload.orElse(WorkloadKind.ZIPF.label());
    WorkloadKind kind =
        WorkloadKind.named(name)
            .orElseThrow(
                () ->
                    new OptionException(
                        "--workload: "
                            + name
                            + " is none of "
                            + WorkloadKind.labels()
                            + ". Choose one of these."));
    return new SyntheticWorkload(
        kind,
        new WorkloadOptions(
            ranks,
            experts,
            topK,
            tokens,
            layers,
            steps,
            seed,
            zipfExponent,
            driftSteps,
            hotExperts.orElse(WorkloadOptions.publicHotExperts(experts, topK))));
  }

  private static RoutingTrace open(String path) {
    boolean parquet;
    try {
      parquet =
          path.endsWith(".parquet") || path.contains("://") || Files.isDirectory(Path.of(path));
    } catch (InvalidPathException e) {
      parquet = false; // and not a file either, as the reader of files will say
    }
    return parquet
        ? HostProvider.here().routingTable(path)
        : CountsInput.openTrace("--trace", path);
  }

  private SimulationOptions options(SampleSource source) {
    return new SimulationOptions(
        planners.isEmpty() ? SimulationOptions.contenderNames() : planners,
        slotsPerRank.isEmpty() ? defaultSlots(source.experts()) : slotsPerRank,
        balance.options(ranksPerNode),
        new CostModel.ExpertSize(hidden, ffn),
        cost.map(CostFile::read).orElseGet(CostFile::defaults),
        eplbPeriod,
        eplbHistory,
        threads);
  }

  private static List<Integer> defaultSlots(int experts) {
    return List.of(1, 2, 4).stream().filter(slots -> slots <= experts).toList();
  }

  /** Better to know before the work than after it. */
  private void requireWritable() {
    html.map(file -> file.toAbsolutePath().getParent())
        .filter(directory -> !Files.isWritable(directory))
        .ifPresent(
            directory -> {
              throw new OptionException(
                  "--html: cannot write to " + directory + ". Choose an existing directory.");
            });
  }

  private static void writeReport(Path file, SimulationResult result, Recommendation advice) {
    try {
      SimulationReport.write(file, result, advice);
    } catch (UncheckedIOException e) {
      throw new OptionException("--html: " + e.getMessage() + ". Choose another file.");
    }
  }
}
