package io.antiphon.cpu;

import io.antiphon.tensor.StepGraph;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Runs an operation at once, or, while a step is recorded, keeps it for the replay. */
final class Recorder {
  private @Nullable List<Runnable> recording;

  /** Takes one operation whose arguments have been checked. */
  void submit(Runnable operation) {
    List<Runnable> open = recording;
    if (open == null) {
      operation.run();
    } else {
      open.add(operation);
    }
  }

  StepGraph record(Runnable step) {
    if (recording != null) {
      throw new IllegalStateException("a step is being recorded already");
    }
    List<Runnable> operations = new ArrayList<>();
    recording = operations;
    try {
      step.run();
    } finally {
      recording = null;
    }
    return new Recording(List.copyOf(operations));
  }

  private record Recording(List<Runnable> steps) implements StepGraph {
    @Override
    public void replay() {
      for (Runnable step : steps) {
        step.run();
      }
    }

    @Override
    public int operations() {
      return steps.size();
    }

    @Override
    public void close() {}
  }
}
