package io.antiphon.submit;

import io.antiphon.comm.NcclLibrary;
import io.antiphon.conf.Settings;
import io.antiphon.run.GpuDiscovery;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Says what works on this machine, what is missing, and what to do about it. */
@Command(
    name = "doctor",
    mixinStandardHelpOptions = true,
    description = {
      "Checks Java, memory, Spark and the native libraries, and tries out the GPUs if there are"
          + " any.",
      "With settings it also prints their memory plan and checks what a run with them needs here.",
      "Exits with 0 if nothing failed, else with 1."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  antiphon doctor",
      "  antiphon doctor --preset moe-1b",
      "  antiphon doctor --config my.conf --set schedule.micro-batch=2",
      "  antiphon doctor --json"
    })
final class DoctorCommand implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();

  @ArgGroup(exclusive = true, multiplicity = "0..1")
  private SettingsOptions.@Nullable Source source;

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "Overrides one key of these settings; may be repeated.")
  private List<String> overrides = new ArrayList<>();

  @Option(names = "--json", description = "Write one JSON object instead of text.")
  private boolean json;

  @Override
  public Integer call() {
    return report(
        settings(),
        new GpuChecks.Sources(
            System.getenv(), new CudaProbe(), NcclLibrary::version, DoctorCommand::discover));
  }

  private Optional<Settings> settings() {
    if (source != null) {
      return Optional.of(source.read(overrides));
    }
    if (!overrides.isEmpty()) {
      throw new ParameterException(
          spec.commandLine(), "--set changes settings: give --preset or --config too");
    }
    return Optional.empty();
  }

  private static GpuDiscovery discover(Optional<Path> script)
      throws IOException, InterruptedException {
    if (script.isPresent()) {
      return GpuDiscovery.runAsSpark(script.orElseThrow());
    }
    Path folder = Files.createTempDirectory("antiphon-doctor");
    Path own = GpuDiscovery.writeScript(folder);
    try {
      return GpuDiscovery.run(own);
    } finally {
      Files.deleteIfExists(own);
      Files.deleteIfExists(folder);
    }
  }

  /** Runs all checks and writes what they found. */
  int report(Optional<Settings> settings, GpuChecks.Sources sources) {
    List<Finding> cpu = CpuChecks.all();
    boolean onCpu = cpu.stream().noneMatch(Finding::failed);
    GpuChecks.Result gpu = new GpuChecks(settings, sources).run();
    List<Finding> all = new ArrayList<>(cpu);
    all.addAll(gpu.findings());
    settings.ifPresent(
        run -> {
          int visible = gpu.memory().isEmpty() ? 0 : sources.gpus().count();
          long physical = CpuChecks.physicalMebibytes() << 20;
          all.addAll(new MemoryChecks(run, physical).all(gpu.memory(), visible));
        });
    boolean failed = all.stream().anyMatch(Finding::failed);
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      JsonLine line = new JsonLine();
      line.flag("trains", !failed);
      line.flag("trainsOnCpu", onCpu);
      gpu.works().ifPresent(works -> line.flag("trainsOnGpu", works));
      line.objects("checks", all.stream().map(Finding::json).toList());
      out.println(line.end());
    } else {
      all.forEach(finding -> out.println(finding.text()));
      out.println();
      out.println(
          onCpu
              ? "This machine can train on the CPU."
              : "This machine cannot train: see FAIL above.");
      gpu.works()
          .ifPresent(
              works ->
                  out.println(
                      works
                          ? "This machine can train on a GPU (backend.kind = cuda)."
                          : "This machine cannot train on a GPU, see above."));
      settings.ifPresent(
          run ->
              out.println(
                  failed
                      ? "A run with these settings would fail here: see FAIL above."
                      : "Nothing here keeps a run with these settings from starting."));
    }
    out.flush();
    return failed ? Antiphon.FAILED : 0;
  }
}
