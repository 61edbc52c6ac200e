package io.antiphon.submit;

import io.antiphon.device.Device;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Says what works on this machine, what is missing, and what to do about it. */
@Command(
    name = "doctor",
    mixinStandardHelpOptions = true,
    description = {
      "Checks Java, memory, Spark and the native libraries, and what a GPU would need.",
      "Exits with 0 if this machine can train on the CPU, else with 1."
    },
    footerHeading = "%nExamples:%n",
    footer = {"  antiphon doctor", "  antiphon doctor --json"})
final class DoctorCommand implements Callable<Integer> {
  private static final List<String> GPU_LIBRARIES = List.of("NVRTC", "cuBLASLt");

  @Spec private CommandSpec spec = CommandSpec.create();

  @Option(names = "--json", description = "Write one JSON object instead of text.")
  private boolean json;

  @Override
  public Integer call() {
    List<Finding> findings = new ArrayList<>(CpuChecks.all());
    findings.addAll(new GpuChecks(System.getenv()).all());
    Optional<String> whyNoGpu = whyNoGpu(findings);
    boolean usable = findings.stream().noneMatch(finding -> finding.status() == Finding.Status.BAD);
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      JsonLine line = new JsonLine();
      line.flag("trainsOnCpu", usable);
      line.flag("trainsOnGpu", whyNoGpu.isEmpty());
      line.objects("checks", findings.stream().map(Finding::json).toList());
      out.println(line.end());
    } else {
      findings.forEach(finding -> out.println(finding.text()));
      out.println();
      out.println(
          usable
              ? "This machine can train on the CPU."
              : "This machine cannot train on the CPU: see BAD above.");
      out.println(
          whyNoGpu
              .map(reason -> "This machine cannot train on a GPU: " + reason + ".")
              .orElse("This machine can train on a GPU (backend.kind = cuda)."));
    }
    out.flush();
    return usable ? 0 : Antiphon.FAILED;
  }

  /** What keeps a GPU from being used; empty if the driver and all libraries are there. */
  private static Optional<String> whyNoGpu(List<Finding> findings) {
    return Device.unavailable()
        .or(
            () ->
                findings.stream()
                    .filter(finding -> GPU_LIBRARIES.contains(finding.name()))
                    .filter(finding -> finding.status() != Finding.Status.OK)
                    .map(finding -> finding.name() + " does not load, see above")
                    .findFirst());
  }
}
