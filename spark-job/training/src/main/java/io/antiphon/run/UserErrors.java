package io.antiphon.run;

import io.antiphon.comm.EnvironmentException;
import io.antiphon.conf.ConfigException;
import io.antiphon.conf.Printable;
import io.antiphon.cpu.BlasUnavailable;
import io.antiphon.data.DataException;
import io.antiphon.device.DeviceException;
import io.antiphon.device.OutOfDeviceMemory;
import io.antiphon.simulate.OptionException;
import io.antiphon.tensor.Backend;
import io.antiphon.tensor.CommException;
import io.antiphon.trace.TraceException;
import io.antiphon.train.RuinedModel;
import io.antiphon.train.checkpoint.CheckpointException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Optional;

/**
 * The failures that one line explains, each with the exit code of the command that it ends. Any
 * other failure is a fault of this program, and its stack trace is worth a report.
 */
public final class UserErrors {
  /** Exit code: the run failed; the same command may succeed later. */
  public static final int FAILED = 1;

  /** Exit code: the user must change something: settings, data, a directory, the machine. */
  public static final int USAGE = 2;

  /**
   * A failure in one line.
   *
   * @param message the line
   * @param exitCode {@link #USAGE} or {@link #FAILED}
   */
  public record Explained(String message, int exitCode) {}

  private record Kind(Class<? extends Throwable> type, int exitCode) {}

  private static final List<Kind> KINDS =
      List.of(
          new Kind(ConfigException.class, USAGE),
          new Kind(DataException.class, USAGE),
          new Kind(CheckpointException.class, USAGE),
          new Kind(TraceException.class, USAGE),
          new Kind(OptionException.class, USAGE),
          new Kind(BlasUnavailable.class, USAGE),
          new Kind(EnvironmentException.class, USAGE),
          new Kind(Backend.OutOfMemory.class, USAGE),
          new Kind(OutOfDeviceMemory.class, USAGE),
          new Kind(OutOfMemoryError.class, USAGE),
          new Kind(RankFailure.class, FAILED),
          new Kind(RuinedModel.class, FAILED),
          new Kind(CommException.class, FAILED),
          new Kind(DeviceException.class, FAILED),
          new Kind(UncheckedIOException.class, FAILED));

  private UserErrors() {}

  /**
   * What the user must change, if that is what {@code failure} says: itself or through a cause,
   * because Spark and threads wrap what ranks throw.
   */
  public static Optional<Explained> mendable(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (codeOf(cause) == USAGE) {
        return Optional.of(new Explained(message(cause), USAGE));
      }
      if (cause instanceof RankFailure) {
        return Optional.empty(); // it has weighed its causes
      }
    }
    return Optional.empty();
  }

  /** A failure in one line; empty if it is a fault of this program. */
  public static Optional<Explained> explain(Throwable failure) {
    return mendable(failure)
        .or(
            () ->
                codeOf(failure) == FAILED
                    ? Optional.of(new Explained(message(failure), FAILED))
                    : Optional.empty());
  }

  /** Zero if it has none. */
  private static int codeOf(Throwable failure) {
    if (failure instanceof RankFailure rank && rank.usersError()) {
      return USAGE;
    }
    return KINDS.stream()
        .filter(kind -> kind.type().isInstance(failure))
        .mapToInt(Kind::exitCode)
        .findFirst()
        .orElse(0);
  }

  private static String message(Throwable failure) {
    return failure instanceof OutOfMemoryError
        ? outOfHeap(failure)
        : Printable.message(String.valueOf(failure.getMessage()));
  }

  private static String outOfHeap(Throwable failure) {
    return "out of memory ("
        + failure.getMessage()
        + ", heap up to "
        + (Runtime.getRuntime().maxMemory() >> 20)
        + " MiB). Give the process more memory (ANTIPHON_MEMORY of submit/antiphon,"
        + " spark.executor-memory on a cluster), or lower schedule.micro-batch,"
        + " model.sequence-length or the model.";
  }
}
