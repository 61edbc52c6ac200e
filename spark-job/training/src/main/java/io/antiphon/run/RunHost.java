package io.antiphon.run;

import io.antiphon.conf.Settings;
import io.antiphon.data.DataRequest;
import io.antiphon.train.report.RunListener;
import io.antiphon.train.report.RunReports;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;

/** Runs the ranks of one run, and prepares what they read. */
public interface RunHost extends AutoCloseable {
  /**
   * Waits until all ranks of a run can run at once. Called before anything is prepared for them,
   * which may take hours.
   *
   * @throws RuntimeException if they never will; {@link UserErrors} says what it means
   */
  default void awaitPlaces(Settings settings) throws InterruptedException {}

  /**
   * Prepares a text.
   *
   * @param ranks that will share its training split
   * @throws io.antiphon.data.DataException if it cannot be used
   */
  PreparedText text(DataRequest request, int ranks) throws InterruptedException;

  /**
   * A text that was prepared before and is still there, whatever became of the original.
   *
   * @param sequences of it, as its {@link io.antiphon.train.TrainingData} tells them
   */
  default Optional<RunText> kept(DataRequest request, String sequences) {
    return Optional.empty();
  }

  /** Checkpoints in a directory, as every rank opens them. */
  CheckpointPlace checkpoints(String directory);

  /**
   * Recorder of the routing of a run, if its settings ask for one.
   *
   * @param trained step that the run goes on from
   */
  default Optional<RunListener> recorder(Settings settings, Path runDirectory, long trained) {
    return Optional.empty();
  }

  /**
   * Calls {@code task} on every rank and waits for all of them. A task that {@linkplain
   * RankTask#resumes resumes} may be called again after a failure that may pass.
   *
   * @param reports takes what rank 0 says, in order
   * @param stop whether the user wants the ranks to stop
   * @return what rank 0 answered
   * @throws CancellationException if the user wants to stop before the ranks have begun
   * @throws RuntimeException if a rank failed; {@link UserErrors} says what it means
   */
  <R extends Serializable> R call(
      Settings settings, RankTask<R> task, RunReports reports, BooleanSupplier stop)
      throws InterruptedException;

  @Override
  void close();
}
