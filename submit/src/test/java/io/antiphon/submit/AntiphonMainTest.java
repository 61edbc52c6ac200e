package io.antiphon.submit;

import static org.assertj.core.api.Assertions.assertThatCode;

import org.junit.jupiter.api.Test;

class AntiphonMainTest {
  /** Spark on YARN takes an application that exits for a failed one, and runs it again. */
  @Test
  void afterSuccessMainReturns() {
    assertThatCode(() -> Antiphon.main(new String[] {"--version"})).doesNotThrowAnyException();
  }
}
