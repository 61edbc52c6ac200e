package io.antiphon.job.barrier;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.antiphon.conf.Settings;
import io.antiphon.conf.SettingsReader;
import io.antiphon.data.SparkForTests;
import io.antiphon.run.RankFailure;
import io.antiphon.run.RankTask;
import io.antiphon.train.report.RunEvent;
import io.antiphon.train.report.RunReport;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the driver's listener throws, which Spark would only log. */
@Timeout(60)
class RankCallTest {
  private static final Settings TWO_RANKS =
      SettingsReader.preset(
          "quickstart", List.of("parallelism.ranks=2", "parallelism.expert-parallel=2"));

  private static final AtomicInteger STEPS = new AtomicInteger();

  private final List<RunReport> taken = new ArrayList<>();

  /** Reports step after step, as a trainer does, until it is told to end. */
  private static final RankTask<Integer> TRAINS =
      seat -> {
        for (int step = 1; step <= 1000 && seat.transport().rank() == 0; step++) {
          boolean unused = seat.stopRequested().getAsBoolean();
          seat.reports().accept(report(step));
          STEPS.set(step);
        }
        return 1000;
      };

  @Test
  void aReportThatCannotBeWrittenEndsTheAttemptForGood() {
    RankFailure failed = failure(TRAINS, full());

    assertThat(failed.reason()).contains("cannot write metrics.jsonl: No space left on device");
    assertThat(failed.reason()).contains("continues from the newest checkpoint");
    assertThat(failed.mayPass()).isFalse();
    assertThat(failed.usersError()).isFalse();
    assertThat(STEPS).as("steps after the failure").hasValueLessThan(10);
  }

  @Test
  void anythingElseThatAListenerThrowsDoesSo() {
    RankFailure failed = failure(TRAINS, new IllegalStateException("step 3 came after step 7"));
    assertThat(failed.reason()).contains("step 3 came after step 7");
    assertThat(failed.mayPass()).isFalse();

    assertThat(failure(TRAINS, new StackOverflowError()).reason()).contains("StackOverflowError");
  }

  /** There is no later question that could tell the ranks. */
  @Test
  void theLastReportMustBeTakenToo() {
    RankTask<Integer> tells =
        seat -> {
          for (int step = 1; step <= 3 && seat.transport().rank() == 0; step++) {
            seat.reports().accept(report(step));
          }
          return 3;
        };
    assertThat(failure(tells, full()).reason()).contains("No space");
  }

  private RankFailure failure(RankTask<Integer> task, Throwable thrown) {
    taken.clear();
    Consumer<RunReport> listener =
        report -> {
          if (report.equals(report(3))) {
            RankCallTest.<RuntimeException>raise(thrown);
          }
          taken.add(report);
        };
    RankFailure failed =
        catchThrowableOfType(
            RankFailure.class,
            () ->
                RankCall.attempt(
                    SparkForTests.session(), TWO_RANKS, task, listener, () -> false, () -> {}));
    assertThat(failed).isNotNull();
    assertThat(taken).as("a history without a gap").isEqualTo(List.of(report(1), report(2)));
    return failed;
  }

  private static RunReport report(long step) {
    return new RunEvent(RunEvent.Kind.WARNING, step, "");
  }

  private static UncheckedIOException full() {
    return new UncheckedIOException(
        "cannot write metrics.jsonl: No space left on device", new IOException("full"));
  }

  @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
  private static <T extends Throwable> void raise(Throwable thrown) throws T {
    throw (T) thrown;
  }
}
