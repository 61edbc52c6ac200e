package io.antiphon.run;

import io.antiphon.device.DeviceException;
import io.antiphon.device.LastResort;
import io.antiphon.device.SharedDevice;
import java.time.Duration;
import java.util.Optional;

/**
 * What follows when a process loses a GPU, which only a new process gets back.
 *
 * <p>{@link SharedDevice} recognises it: a CUDA call has had one of the results after which none
 * succeeds, or work has not ended in its time.
 *
 * <p>Then, in this order: the rank that sees it fails and tells its peers ({@link RankWork}). An
 * executor of Spark ends, and the run goes on in a new one. The process of the user, where the
 * ranks are threads of it, ends the run and says that the command, run again, continues from the
 * newest checkpoint. Either process is killed if it does not exit: CUDA may wait there for work
 * that never ends.
 */
public final class LostGpu {
  /** How long a process that has lost a device is given to exit. */
  private static final Duration EXIT = Duration.ofSeconds(15);

  /** How long it is given where a rank may hang that could not be closed. */
  private static final Duration FAILED_EXIT = EXIT.multipliedBy(4);

  private LostGpu() {}

  /**
   * Whether this process has lost a GPU. To be asked after any failure of a rank: it may only have
   * waited for one whose work does not end.
   */
  public static boolean happened() {
    return SharedDevice.anyLoss().isPresent();
  }

  /** What to add to the message of a rank that may only have waited in vain for the lost one. */
  public static String reasonBeside(Throwable failure) {
    Optional<String> loss = SharedDevice.anyLoss();
    return failure instanceof DeviceException || loss.isEmpty() ? "" : " (" + loss.get() + ")";
  }

  /** The error for which Spark ends an executor; sees to it that the process ends. */
  public static Error endOfExecutor(String message) {
    LastResort.after(EXIT);
    return new InternalError(message);
  }

  /** The run of this process is over; it is about to exit, and shall succeed in that. */
  public static void beforeExit(boolean failed) {
    if (happened()) {
      LastResort.after(EXIT);
    } else if (failed) {
      LastResort.after(FAILED_EXIT);
    }
  }

  /** The process is about to halt while ranks may be at work. */
  public static void beforeHalt() {
    LastResort.after(EXIT);
  }

  /** A rank of this process did not end: the process, once it exits, would hang as well. */
  public static void rankHangs() {
    LastResort.insteadOfExit();
  }
}
