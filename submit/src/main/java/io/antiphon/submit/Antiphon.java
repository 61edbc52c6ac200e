package io.antiphon.submit;

import io.antiphon.conf.Printable;
import io.antiphon.conf.Redaction;
import io.antiphon.conf.Version;
import io.antiphon.run.LostGpu;
import io.antiphon.run.UserErrors;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** The {@code antiphon} command. */
@Command(
    name = "antiphon",
    mixinStandardHelpOptions = true,
    versionProvider = Antiphon.CurrentVersion.class,
    description = "Dropless Mixture-of-Experts training as an Apache Spark job.",
    subcommands = {
      TrainCommand.class,
      EvaluateCommand.class,
      GenerateCommand.class,
      ReportCommand.class,
      PlanCommand.class,
      SimulateCommand.class,
      DoctorCommand.class,
      CommandLine.HelpCommand.class
    },
    synopsisSubcommandLabel = "COMMAND",
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:success",
      "1:the run failed",
      "2:wrong usage, settings, data or run directory; the message says what to change",
      "130:interrupted; what was trained is in the newest checkpoint"
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  antiphon train --preset quickstart",
      "  antiphon train --config my.conf --run-dir runs/mine --set schedule.steps=2000",
      "  antiphon evaluate --run-dir runs/mine",
      "  antiphon generate --run-dir runs/mine --prompt \"It was\"",
      "  antiphon report --run-dir runs/mine",
      "  antiphon doctor",
      "",
      "The launcher also knows antiphon bundle, which packs all this for machines without Java or",
      "network, and inside such a bundle gpu-test and bench (docs/air-gapped.md)."
    })
public final class Antiphon {
  /** A run failed. */
  static final int FAILED = UserErrors.FAILED;

  /** The user must change something. */
  static final int USAGE = UserErrors.USAGE;

  /** Stopped by a signal, as shells count it. */
  static final int INTERRUPTED = 130;

  /** The parser needs gigabytes for tens of thousands: its memory grows with their square. */
  static final int MOST_ARGUMENTS = 1000;

  private Antiphon() {}

  /** Answers {@code --version}. */
  static final class CurrentVersion implements CommandLine.IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"antiphon " + Version.current()};
    }
  }

  /**
   * Runs the command line. Returns after success, as Spark wants it of an application: on YARN one
   * that exits counts as failed and is run again. Otherwise ends the process with the exit code.
   */
  public static void main(String[] arguments) {
    try {
      int code = run(commandLine(), arguments);
      if (code == 0 && !LostGpu.happened()) {
        return;
      }
      LostGpu.beforeExit(code == FAILED);
      System.exit(code);
    } catch (OutOfMemoryError e) { // picocli hands on what is no Exception
      System.err.println(
          "antiphon: " + UserErrors.explain(e).map(UserErrors.Explained::message).orElse(""));
      System.exit(USAGE);
    }
  }

  /** Parses and runs what fits a command line. */
  static int run(CommandLine line, String... arguments) {
    if (arguments.length <= MOST_ARGUMENTS) {
      return line.execute(arguments);
    }
    line.getErr()
        .println(
            "antiphon: %d arguments, and at most %d are taken; write settings into a file for --config, and quote a pattern such as 'books/*.txt' from the shell"
                .formatted(arguments.length, MOST_ARGUMENTS));
    return USAGE;
  }

  /** The command line, as tests run it. */
  static CommandLine commandLine() {
    CommandLine line = new CommandLine(new Antiphon());
    line.setOut(
        new PrintWriter(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8));
    line.setExpandAtFiles(false); // a prompt or the name of a file may begin with @
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.setUsageHelpWidth(100);
    line.setParameterExceptionHandler((failure, given) -> misuse(failure));
    line.setExecutionExceptionHandler((failure, command, parsed) -> report(failure, command));
    return line;
  }

  /** What is wrong with the command line, and where to read about it, without the whole manual. */
  private static int misuse(ParameterException failure) {
    CommandLine command = failure.getCommandLine();
    PrintWriter err = command.getErr();
    String message = String.valueOf(failure.getMessage()).replaceFirst("^Error: ", "");
    err.println("antiphon: " + Printable.message(Redaction.withoutAssignments(message)));
    UnmatchedArgumentException.printSuggestions(failure, err);
    err.println("See " + command.getCommandSpec().qualifiedName() + " --help.");
    return USAGE;
  }

  /** One clear message for what one line explains; a stack trace only for what is our fault. */
  private static int report(Exception failure, CommandLine command) {
    command.getOut().flush();
    PrintWriter err = command.getErr();
    Optional<UserErrors.Explained> explained = UserErrors.explain(failure);
    if (explained.isPresent()) {
      err.println("antiphon: " + explained.get().message());
      return explained.get().exitCode();
    }
    StringWriter trace = new StringWriter();
    failure.printStackTrace(new PrintWriter(trace));
    err.println(Printable.message(trace.toString()));
    err.println("antiphon: this should not happen; please report it with the lines above");
    return FAILED;
  }
}
