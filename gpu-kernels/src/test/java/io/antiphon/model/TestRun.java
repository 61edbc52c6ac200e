package io.antiphon.model;

import io.antiphon.tensor.Backend;
import io.antiphon.tensor.HostValues;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A short training run over ranks as threads, and what is compared between runs.
 *
 * @param losses per step
 * @param auxLosses per step
 * @param gradients of the last step by global parameter name, experts one by one
 * @param records of every step
 */
record TestRun(
    List<Double> losses,
    List<Double> auxLosses,
    Map<String, double[]> gradients,
    List<StepRecord> records) {

  /** Shape of a run. */
  record Layout(int ranks, int expertRanks, int globalBatch, int microBatch) {
    BatchOptions batch() {
      return new BatchOptions(
          globalBatch, microBatch, globalBatch / (microBatch * ranks), TestModels.SEQUENCE);
    }
  }

  static TestRun of(ModelOptions model, Layout layout, int steps, TestDevice backends) {
    BatchOptions batch = layout.batch();
    long ample = (long) batch.tokens() * Math.max(1, model.moe().topK()) * layout.expertRanks();
    List<TestRun> ranks =
        RankThreads.run(
            layout.ranks(),
            layout.expertRanks(),
            backends,
            (backend, groups) -> rank(model, batch, groups, backend, steps, ample));
    TestRun first = ranks.get(0);
    for (TestRun other : ranks) {
      if (!other.losses().equals(first.losses())) {
        throw new AssertionError("ranks report different losses");
      }
      first.gradients().putAll(other.gradients());
    }
    return first;
  }

  private static TestRun rank(
      ModelOptions model,
      BatchOptions batch,
      Groups groups,
      Backend backend,
      int steps,
      long capacity) {
    int rank = groups.world().rank();
    try (ModelState state =
            new ModelState(backend, model, groups.experts().rank(), groups.experts().ranks());
        TrainingStep step =
            new TrainingStep(
                state,
                groups,
                batch,
                TestModels.update(0.01),
                capacity,
                RecordOptions.keeping(1))) {
      List<Double> losses = new ArrayList<>();
      List<Double> aux = new ArrayList<>();
      List<StepRecord> records = new ArrayList<>();
      for (int i = 0; i < steps; i++) {
        step.replay(TestModels.rankBatch(batch, i, rank, groups.world().ranks()), false);
        StepRecord record = step.read(i);
        records.add(record);
        losses.add(record.loss());
        aux.add(record.value(StepRecord.Field.AUX_LOSS));
      }
      return new TestRun(losses, aux, gradients(backend, state), records);
    }
  }

  static Map<String, double[]> gradients(Backend backend, ModelState state) {
    HostValues values = new HostValues(backend.hostIo());
    Map<String, double[]> gradients = new HashMap<>();
    for (Parameter parameter : state.registry().parameters()) {
      if (parameter.sharding() == Parameter.Sharding.EXPERT) {
        for (int local = 0; local < parameter.shape().intExtent(0); local++) {
          gradients.put(
              parameter.expertName(parameter.firstExpert() + local),
              values.doubles(parameter.gradient().rows(local, 1)));
        }
      } else {
        gradients.put(parameter.name(), values.doubles(parameter.gradient()));
      }
    }
    return gradients;
  }
}
