package io.antiphon.train;

import io.antiphon.model.Groups;
import io.antiphon.model.StepRecord;
import io.antiphon.model.StepRecord.Field;
import io.antiphon.train.report.StepMetrics;
import java.util.Map;

/** Turns what a step left on the device into what a user sees. */
final class StepReport {
  private StepReport() {}

  static StepMetrics of(
      StepRecord record,
      ModelSetup setup,
      Groups groups,
      long rowCapacity,
      double seconds,
      int reruns,
      Map<String, Long> cudaCalls) {
    int microBatches = setup.batch().microBatches();
    return new StepMetrics(
        (long) record.value(Field.STEPS),
        record.loss(),
        record.value(Field.AUX_LOSS),
        record.value(Field.Z_LOSS),
        Math.sqrt(record.value(Field.SQUARED_NORM)),
        record.value(Field.LEARNING_RATE),
        (long) record.value(Field.TARGETS),
        setup.batch().globalTokens(),
        seconds,
        reruns,
        (long) record.value(Field.SKIPPED),
        rowCapacity,
        (long) record.value(Field.REQUIRED_ROWS),
        LayerLoads.of(record.loads(), setup, groups, microBatches),
        cudaCalls);
  }
}
