package io.antiphon.train;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SoundnessTest {
  @Test
  void aSoundStepProvesTheModelBeforeIt() {
    Soundness first = Soundness.UNTRAINED.afterStep(1, true);
    assertThat(first).isEqualTo(new Soundness(0, 0));
    assertThat(first.afterStep(2, true)).isEqualTo(new Soundness(1, 0));
  }

  /** The update of step 2 may have ruined the model, though its own loss was finite. */
  @Test
  void whatUnsoundStepsFollowIsNotProved() {
    Soundness ruined =
        Soundness.UNTRAINED
            .afterStep(1, true)
            .afterStep(2, true)
            .afterStep(3, false)
            .afterStep(4, false);
    assertThat(ruined).isEqualTo(new Soundness(1, 2));
    assertThat(ruined.afterStep(5, true)).isEqualTo(new Soundness(4, 0));
  }

  @Test
  void anEvaluationProvesTheModelItself() {
    Soundness trained = Soundness.UNTRAINED.afterStep(1, true);
    assertThat(trained.afterEvaluation(1, 2.5)).isEqualTo(new Soundness(1, 0));
    assertThat(trained.afterEvaluation(1, 2.5).afterStep(2, true)).isEqualTo(new Soundness(1, 0));
    assertThat(trained.afterEvaluation(1, Double.NaN)).isEqualTo(trained);
    assertThat(trained.afterStep(2, false).afterEvaluation(2, 6e10))
        .as("a model that no gradient can move")
        .isEqualTo(new Soundness(0, 1));
  }
}
