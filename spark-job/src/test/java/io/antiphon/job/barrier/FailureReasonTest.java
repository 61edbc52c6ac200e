package io.antiphon.job.barrier;

import static org.assertj.core.api.Assertions.assertThat;

import io.antiphon.run.RankFailure;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FailureReasonTest {
  private final Exception killed =
      new IllegalStateException(
          """
          Job aborted due to stage failure: Could not recover from a failed barrier ResultStage. \
          Most recent failure reason: Stage failed because barrier task ResultTask(1, 0) finished \
          unsuccessfully.
          ExecutorLostFailure (executor 1 exited caused by one of the running tasks) Reason: \
          Command exited with code 137
          Driver stacktrace:\
          """);

  @Test
  void aRanksOwnFailureSaysMost() {
    RankFailure failed =
        FailureReason.of(
            killed, List.of(failure(2, RankMessage.Cause.OTHER, "out of memory")), 4, false);

    assertThat(failed.reason()).isEqualTo("rank 2: out of memory");
    assertThat(failed.mayPass()).isTrue();
  }

  @Test
  void aUsersErrorStandsAloneAndIsFinal() {
    RankFailure failed =
        FailureReason.of(
            killed, List.of(failure(0, RankMessage.Cause.USER, "moe.top-k must ...")), 4, false);

    assertThat(failed.reason()).isEqualTo("moe.top-k must ...");
    assertThat(failed.mayPass()).isFalse();
  }

  @Test
  void aDriverThatLostItsGpuIsNotTriedAgain() {
    RankFailure failed =
        FailureReason.of(
            killed, List.of(failure(1, RankMessage.Cause.DRIVER, "the device is lost")), 4, false);

    assertThat(failed.reason())
        .isEqualTo(
            "rank 1: the device is lost; run the command again, it continues from the newest"
                + " checkpoint");
    assertThat(failed.mayPass()).isFalse();
    assertThat(failed.usersError()).isFalse();
  }

  @Test
  void aLostExecutorExplainsWhatTheOthersNoticed() {
    RankFailure failed =
        FailureReason.of(
            killed, List.of(failure(0, RankMessage.Cause.PEER, "rank 0: ... was lost")), 4, false);

    assertThat(failed.reason()).isEqualTo("executor 1 was lost: Command exited with code 137");
    assertThat(failed.mayPass()).isTrue();
  }

  @Test
  void whatRanksNoticedIsBetterThanNothing() {
    RankFailure failed =
        FailureReason.of(
            new IllegalStateException("Job aborted due to stage failure: x\ny"),
            List.of(failure(0, RankMessage.Cause.PEER, "rank 0: the connection was lost")),
            4,
            false);

    assertThat(failed.reason()).isEqualTo("rank 0: the connection was lost");
  }

  @Test
  void otherwiseSparksFirstLineIsTheReason() {
    RankFailure failed =
        FailureReason.of(
            new IllegalStateException("Job aborted due to stage failure: Master is gone\nmore"),
            List.of(),
            4,
            false);

    assertThat(failed.reason()).isEqualTo("Master is gone");
    assertThat(failed.mayPass()).isTrue();
  }

  @Test
  void tooFewSlotsAndALostApplicationAreFinal() {
    RankFailure slots =
        FailureReason.of(
            new IllegalStateException("[SPARK-24819]: Barrier execution mode does not allow"),
            List.of(),
            4,
            false);
    assertThat(slots.reason()).startsWith("the cluster did not offer 4 task slots at once");
    assertThat(slots.mayPass()).isFalse();

    assertThat(
            FailureReason.of(new ApplicationWatch.ApplicationLost("x"), List.of(), 4, false)
                .mayPass())
        .isFalse();
  }

  @ParameterizedTest
  @CsvSource({
    "'Job aborted due to stage failure: Master removed our application: KILLED\n', true",
    "'Job aborted due to stage failure: Master removed our application: KILLED\n', false",
    "Job 7 cancelled because SparkContext was shut down, false",
    "Cannot call methods on a stopped SparkContext., false",
    "Job 7 failed, true"
  })
  void anApplicationThatIsOverIsNotTriedAgain(String spark, boolean over) {
    RankFailure failed =
        FailureReason.of(
            new IllegalStateException(spark),
            List.of(failure(2, RankMessage.Cause.OTHER, "the driver does not answer")),
            4,
            over);

    assertThat(failed.reason())
        .startsWith("the application is over: the cluster manager removed it")
        .contains(spark.contains("KILLED") ? "(Master removed our application: KILLED)" : "(")
        .contains("run the command again")
        .doesNotContain("\n");
    assertThat(failed.mayPass()).isFalse();
    assertThat(failed.usersError()).isFalse();
  }

  @Test
  void dynamicAllocationIsForTheUserToSwitchOff() {
    RankFailure failed =
        FailureReason.of(
            new IllegalStateException("[SPARK-24942]: Barrier execution mode does not support"),
            List.of(),
            4,
            false);

    assertThat(failed.reason()).contains("--conf spark.dynamicAllocation.enabled=false");
    assertThat(failed.usersError()).isTrue();
  }

  private static RankMessage.Failure failure(int rank, RankMessage.Cause cause, String message) {
    return new RankMessage.Failure(UUID.randomUUID(), rank, cause, message);
  }
}
