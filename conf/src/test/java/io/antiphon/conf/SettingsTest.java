package io.antiphon.conf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class SettingsTest {
  @Test
  void resumeElsewhereAndFasterIsTheSameTraining() {
    Settings before = Sample.with();
    Settings now =
        Sample.with(
            "name=again",
            "parallelism.ranks=2",
            "parallelism.expert-parallel=1",
            "schedule.micro-batch=4",
            "schedule.steps=200",
            "moe.token-capacity=2",
            "moe.echo.enabled=false",
            "moe.echo.planner=one-shot",
            "moe.echo.slots-per-rank=3",
            "model.recompute=true",
            "data.cache-dir=/d",
            "data.prefetch=9",
            "backend.kind=cpu",
            "checkpoint.keep=1",
            "monitor.report=false",
            "spark.master=yarn");

    assertThat(now.differencesFrom(before)).isEmpty();
    assertThat(now.fingerprint()).isEqualTo(before.fingerprint()).matches("[0-9a-f]{64}");
    now.requireResumes(before, "runs/x");
  }

  @Test
  void anythingElseIsAnotherTraining() {
    Settings before = Sample.with();
    for (String change :
        List.of(
            "seed=1",
            "model.hidden=128",
            "model.attention=false",
            "moe.top-k=3",
            "moe.router-skew=1",
            "moe.score-order=top-k-then-softmax",
            "data.text=other",
            "data.document-separator=x",
            "schedule.global-batch=96",
            "schedule.warmup-steps=11",
            "optimizer.learning-rate=2e-3")) {
      Settings now = Sample.with(change);
      assertThat(now.differencesFrom(before)).as(change).isNotEmpty();
      assertThat(now.fingerprint()).as(change).isNotEqualTo(before.fingerprint());
    }
  }

  @Test
  void differencesSayWhatWasAndWhatIs() {
    assertThat(
            Sample.with("model.hidden=128", "data.end-of-text=x", "data.tokenizer=t.json")
                .differencesFrom(Sample.with()))
        .extracting(Difference::toString)
        .containsExactly(
            "model.hidden was 64, now 128",
            "model.head-dim was 8, now 16",
            "model.dense-ffn was 256, now 512",
            "data.tokenizer was bytes, now t.json",
            "data.end-of-text was (none), now x");
  }

  @Test
  void whatIsComparedByContentMayHaveAnotherName() {
    Sample.with("data.text=other", "data.tokenizer=t.json")
        .requireResumesElsewhere(Sample.with(), "runs/x");
    assertThatThrownBy(
            () ->
                Sample.with("data.text=other", "seed=1")
                    .requireResumesElsewhere(Sample.with(), "runs/x"))
        .hasMessageStartingWith("1 problem ")
        .hasMessageContaining("seed was 1234, now 1");
  }

  @Test
  void stepsMayOnlyGrow() {
    assertThat(Sample.with("schedule.steps=99").differencesFrom(Sample.with()))
        .containsExactly(new Difference("schedule.steps", "100", "99"));
  }

  @Test
  void refusesToResumeWithEveryReason() {
    assertThatThrownBy(
            () ->
                Sample.with("seed=1", "schedule.steps=99").requireResumes(Sample.with(), "runs/x"))
        .isInstanceOf(ConfigException.class)
        .hasMessage(
            """
            2 problems in the settings:

            runs/x: seed = 1
                cannot resume: seed was 1234, now 1
                -> set seed back to 1234, or start a new run in another --run-dir

            runs/x: schedule.steps = 99
                cannot resume: schedule.steps was 100, now 99; it may only grow
                -> set schedule.steps back to 100 or more, or start a new run in another --run-dir
            """);
  }

  @Test
  void theFingerprintDoesNotChangeBetweenReleasesByAccident() {
    assertThat(Sample.with().fingerprint())
        .isEqualTo("0e17017c8f51a46d07e3dea5ecd8766f5bdfc20f950b84856d0fa631bf6cddca");
  }

  @Test
  void travelsAsText() throws IOException, ClassNotFoundException {
    Settings settings = Sample.with("data.cache-dir=/d", "spark.properties.spark.a=1");
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(settings);
    }

    try (ObjectInputStream in =
        new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
      assertThat(in.readObject()).isEqualTo(settings);
    }
  }

  @Test
  void recordsBuiltInCodeAreCheckedToo() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Parallelism(0, 1))
        .withMessage("parallelism.ranks must be a whole number, at least 1, was 0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Checkpoint(true, 1, 1, Optional.of(" "), true))
        .withMessage("checkpoint.dir must be text, not blank, was  ");
    Settings sample = Sample.with();
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                new Settings(
                    sample.name(),
                    sample.seed(),
                    sample.model(),
                    sample.moe(),
                    sample.data(),
                    sample.optimizer(),
                    new Schedule(5, 6, 7, 1, 0, 20),
                    sample.parallelism(),
                    sample.backend(),
                    sample.checkpoint(),
                    sample.monitor(),
                    sample.spark()))
        .withMessage(
            "schedule.warmup-steps = 6 must be at most schedule.steps (5); schedule.global-batch ="
                + " 7 must be a multiple of schedule.micro-batch * parallelism.ranks (1 * 4 = 4)");
  }

  @Test
  void sparkRunsLocallyWithOneThreadPerRankUnlessTold() {
    assertThat(Sample.with().spark().masterFor(4)).isEqualTo("local[4]");
    assertThat(Sample.with("spark.master=yarn").spark().masterFor(4)).isEqualTo("yarn");
  }

  @Test
  void anExceptionNeedsAProblem() {
    assertThatIllegalArgumentException().isThrownBy(() -> new ConfigException(List.of()));
  }
}
