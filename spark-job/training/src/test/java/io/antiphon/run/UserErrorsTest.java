package io.antiphon.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.antiphon.comm.EnvironmentException;
import io.antiphon.conf.ConfigException;
import io.antiphon.conf.Problem;
import io.antiphon.cpu.BlasUnavailable;
import io.antiphon.data.DataException;
import io.antiphon.simulate.OptionException;
import io.antiphon.tensor.Backend;
import io.antiphon.tensor.CommException;
import io.antiphon.trace.TraceException;
import io.antiphon.train.checkpoint.CheckpointException;
import java.util.List;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class UserErrorsTest {
  static List<Throwable> users() {
    return List.of(
        new ConfigException(List.of(new Problem("settings", 0, "key", "value", "limit", "remedy"))),
        new DataException("data"),
        new CheckpointException("checkpoint"),
        new TraceException("trace"),
        new OptionException("option"),
        new BlasUnavailable("blas", new UnsatisfiedLinkError()),
        new EnvironmentException("environment"),
        new Backend.OutOfMemory("memory"),
        RankFailure.forUser("rank", new IllegalStateException()));
  }

  @ParameterizedTest
  @MethodSource("users")
  void whatTheUserMustChangeIsFoundThroughWhatWrapsIt(Throwable users) {
    var expected = new UserErrors.Explained(String.valueOf(users.getMessage()), UserErrors.USAGE);

    assertThat(UserErrors.explain(users)).contains(expected);
    assertThat(UserErrors.mendable(new IllegalStateException(new ExecutionException(users))))
        .contains(expected);
  }

  @Test
  void aFailureThatMayPassIsOneLineAndAnotherExitCode() {
    assertThat(UserErrors.explain(new CommException("gone")))
        .contains(new UserErrors.Explained("gone", UserErrors.FAILED));
    assertThat(UserErrors.mendable(new CommException("gone"))).isEmpty();
    assertThat(UserErrors.explain(RankFailure.passing("rank 1: gone", new DataException("old"))))
        .contains(new UserErrors.Explained("rank 1: gone", UserErrors.FAILED));
  }

  @Test
  void anExhaustedHeapIsTheUsersToMend() {
    UserErrors.Explained explained =
        UserErrors.explain(new OutOfMemoryError("Java heap space")).orElseThrow();

    assertThat(explained.exitCode()).isEqualTo(UserErrors.USAGE);
    assertThat(explained.message()).contains("Java heap space", "ANTIPHON_MEMORY");
  }

  @Test
  void aFaultOfThisProgramIsNotExplainedAway() {
    assertThat(UserErrors.explain(new IllegalStateException("what"))).isEmpty();
  }
}
