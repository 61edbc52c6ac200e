package io.antiphon.submit;

import io.antiphon.conf.ConfigException;
import io.antiphon.data.DataException;
import io.antiphon.tensor.CommException;
import io.antiphon.train.checkpoint.CheckpointException;
import java.io.PrintWriter;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The {@code antiphon} command. */
@Command(
    name = "antiphon",
    mixinStandardHelpOptions = true,
    version = "antiphon 0.1.0",
    description = "Dropless Mixture-of-Experts training as an Apache Spark job.",
    subcommands = {
      TrainCommand.class,
      GenerateCommand.class,
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
      "2:wrong usage, settings or data; nothing was changed",
      "130:interrupted; what was trained is in the newest checkpoint"
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  antiphon train --preset quickstart",
      "  antiphon train --config my.conf --run-dir runs/mine --set schedule.steps=2000",
      "  antiphon generate --run-dir runs/quickstart-1 --prompt \"In the beginning\"",
      "  antiphon doctor"
    })
public final class Antiphon {
  /** A run failed. */
  static final int FAILED = 1;

  /** The user must change something. */
  static final int USAGE = 2;

  /** Stopped by a signal, as shells count it. */
  static final int INTERRUPTED = 130;

  private Antiphon() {}

  /** Runs the command line and ends the process with its exit code. */
  public static void main(String[] arguments) {
    System.exit(commandLine().execute(arguments));
  }

  /** The command line, as tests run it. */
  static CommandLine commandLine() {
    CommandLine line = new CommandLine(new Antiphon());
    line.setCaseInsensitiveEnumValuesAllowed(true);
    CommandLine.IParameterExceptionHandler usual = line.getParameterExceptionHandler();
    line.setParameterExceptionHandler(
        (slip, arguments) -> {
          if (!slip.getCommandLine().getCommandName().equals("simulate")) {
            return usual.handleParseException(slip, arguments);
          }
          // It has too many options to list them all after a slip in one.
          slip.getCommandLine()
              .getErr()
              .println("antiphon simulate: " + slip.getMessage() + ". See --help.");
          return USAGE;
        });
    line.setExecutionExceptionHandler((failure, command, parsed) -> report(failure, command));
    return line;
  }

  /** One clear message for what the user can mend; a stack trace only for what is our fault. */
  private static int report(Exception failure, CommandLine command) {
    PrintWriter err = command.getErr();
    Optional<RuntimeException> users = userError(failure);
    if (users.isPresent()) {
      err.println("antiphon: " + users.get().getMessage());
      return USAGE;
    }
    if (failure instanceof CommException) {
      err.println("antiphon: " + failure.getMessage());
      return FAILED;
    }
    failure.printStackTrace(err);
    err.println("antiphon: this should not happen; please report it with the lines above");
    return FAILED;
  }

  private static Optional<RuntimeException> userError(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof ConfigException
          || cause instanceof DataException
          || cause instanceof CheckpointException) {
        return Optional.of((RuntimeException) cause);
      }
    }
    return Optional.empty();
  }
}
