package io.antiphon.job.barrier;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.antiphon.conf.ConfigException;
import io.antiphon.conf.Problem;
import io.antiphon.data.SparkForTests;
import io.antiphon.run.RankFailure;
import io.antiphon.run.RankSeat;
import io.antiphon.run.RankTask;
import io.antiphon.train.report.GeneratedText;
import io.antiphon.train.report.RunReport;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class BarrierJobTest {
  private static final Duration LIMIT = Duration.ofSeconds(50);

  private final UUID attempt = UUID.randomUUID();
  private final List<RunReport> reports = new ArrayList<>();

  @Test
  void ranksMeetAndAnswerInTheirOrder() throws Exception {
    List<Integer> answers =
        run(
            seat -> {
              int rank = seat.transport().rank();
              seat.transport().send(1 - rank, ByteBuffer.allocate(10 + rank));
              if (rank == 0) {
                seat.reports().accept(new GeneratedText("report"));
              }
              return 100 * rank + seat.transport().receive(1 - rank).remaining();
            });

    assertThat(answers).containsExactly(11, 110);
    assertThat(reports).containsExactly(new GeneratedText("report"));
  }

  @Test
  void aRankThatFailsWakesTheOther() {
    RankFailure failed =
        failure(
            seat -> {
              if (seat.transport().rank() == 1) {
                throw new IllegalStateException("no luck");
              }
              return seat.transport().receive(1).remaining();
            });

    assertThat(failed.reason()).isEqualTo("rank 1: java.lang.IllegalStateException: no luck");
    assertThat(failed.mayPass()).isTrue();
  }

  @Test
  void aUsersErrorIsKnownAsOne() {
    RankFailure failed =
        failure(
            seat -> {
              throw new ConfigException(
                  List.of(new Problem("a.conf", 1, "moe.top-k", "9", "must be less", "lower it")));
            });

    assertThat(failed.reason()).contains("moe.top-k").doesNotContain("rank 0");
    assertThat(failed.mayPass()).isFalse();
  }

  @Test
  void aRankThatDiesBeforeTheRendezvousDoesNotLeaveTheOtherWaiting() {
    RankFailure failed = failure(new Unreadable());

    assertThat(failed.reason()).contains("dead on arrival");
  }

  private List<Integer> run(RankTask<Integer> task) throws Exception {
    try (DriverMailbox mailbox = DriverMailbox.open(attempt, reports::add, () -> false)) {
      List<Integer> answers = submit(task);
      mailbox.awaitEnd(LIMIT);
      return answers;
    }
  }

  private RankFailure failure(RankTask<Integer> task) {
    try (DriverMailbox mailbox = DriverMailbox.open(attempt, reports::add, () -> false)) {
      Exception[] thrown = new Exception[1];
      assertThatThrownBy(() -> submit(task)).satisfies(failure -> thrown[0] = (Exception) failure);
      return FailureReason.of(thrown[0], mailbox.failures(), 2, false);
    }
  }

  private List<Integer> submit(RankTask<Integer> task) {
    JavaSparkContext spark =
        JavaSparkContext.fromSparkContext(SparkForTests.session().sparkContext());
    return BarrierJob.run(spark, 2, attempt, LIMIT, Optional.empty(), task);
  }

  /** Cannot be read by the task of the second partition. */
  private static final class Unreadable implements RankTask<Integer> {
    @Override
    public Integer call(RankSeat seat) {
      return seat.transport().receive(1 - seat.transport().rank()).remaining();
    }

    private void readObject(ObjectInputStream in) throws IOException, ClassNotFoundException {
      in.defaultReadObject();
      if (TaskContext.getPartitionId() == 1) {
        throw new IOException("dead on arrival");
      }
    }
  }
}
