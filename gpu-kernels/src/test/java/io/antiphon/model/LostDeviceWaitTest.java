package io.antiphon.model;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.antiphon.tensor.Backend;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A device that fails leaves no record of the step; who waits for it must ask the device. */
@Timeout(60)
class LostDeviceWaitTest {
  private static final TestRun.Layout ONE_RANK = new TestRun.Layout(1, 1, 4, 1);

  private static final class Lost extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  @Test
  void whoWaitsForARecordAsksTheDevice() {
    RankThreads.run(
        1,
        1,
        TestDevice.F64,
        (backend, groups) -> {
          waitForAStepThatWasNotMade(lost(backend), groups);
          return 0;
        });
  }

  private static void waitForAStepThatWasNotMade(Backend backend, Groups groups) {
    ModelOptions model = TestModels.model(TestModels.withoutEcho());
    try (ModelState state = new ModelState(backend, model, 0, 1);
        TrainingStep step =
            new TrainingStep(
                state,
                groups,
                ONE_RANK.batch(),
                TestModels.update(0.01),
                1 << 10,
                RecordOptions.keeping(1))) {
      assertThatThrownBy(() -> step.read(0)).isInstanceOf(Lost.class);
    }
  }

  /** Does what {@code backend} does, but for the question whether its device works. */
  private static Backend lost(Backend backend) {
    return (Backend)
        Proxy.newProxyInstance(
            Backend.class.getClassLoader(),
            new Class<?>[] {Backend.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("requireAlive")) {
                throw new Lost();
              }
              try {
                return method.invoke(backend, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }
}
