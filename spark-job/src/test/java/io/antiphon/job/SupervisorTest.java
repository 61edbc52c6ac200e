package io.antiphon.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.antiphon.run.RankFailure;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class SupervisorTest {
  private final AtomicLong checkpoint = new AtomicLong(-1);
  private final List<String> reasons = new ArrayList<>();

  @Test
  void aRunThatEndsWellIsNotRepeated() throws Exception {
    assertThat(supervise(3, attempt -> {})).isEqualTo(1);
    assertThat(reasons).containsExactly("");
  }

  @Test
  void theNextAttemptKnowsWhyTheOneBeforeFailed() throws Exception {
    assertThat(supervise(3, attempt -> failIf(attempt < 3, "loss " + attempt, true))).isEqualTo(3);
    assertThat(reasons).containsExactly("", "loss 1", "loss 2");
  }

  @Test
  void restartsWithoutACheckpointAreBounded() {
    assertThatThrownBy(() -> supervise(2, attempt -> failIf(true, "a rank is gone", true)))
        .isInstanceOf(RankFailure.class)
        .hasMessage(
            "a rank is gone (gave up after 2 restarts without a new checkpoint, see"
                + " spark.max-restarts)");
    assertThat(reasons).hasSize(3);
  }

  @Test
  void aNewCheckpointRenewsThePatience() throws Exception {
    int attempts =
        supervise(
            1,
            attempt -> {
              checkpoint.incrementAndGet();
              failIf(attempt < 6, "again", true);
            });
    assertThat(attempts).isEqualTo(6);
  }

  @Test
  void noRestartsMeansNone() {
    assertThatThrownBy(() -> supervise(0, attempt -> failIf(true, "gone", true)))
        .hasMessage("gone (spark.max-restarts is 0)");
    assertThat(reasons).hasSize(1);
  }

  @Test
  void whatCannotPassIsNotTriedAgain() {
    assertThatThrownBy(() -> supervise(5, attempt -> failIf(true, "bad setting", false)))
        .hasMessage("bad setting");
    assertThat(reasons).hasSize(1);
  }

  private int supervise(int maxRestarts, Step step) throws Exception {
    return new Supervisor(maxRestarts, checkpoint::get)
        .run(
            reason -> {
              reasons.add(reason);
              step.run(reasons.size());
              return reasons.size();
            });
  }

  private static void failIf(boolean condition, String reason, boolean mayPass) {
    if (condition) {
      throw mayPass
          ? RankFailure.passing(reason, new IllegalStateException())
          : RankFailure.lasting(reason, new IllegalStateException());
    }
  }

  private interface Step {
    void run(int attempt);
  }
}
