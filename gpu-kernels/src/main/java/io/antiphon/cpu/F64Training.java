package io.antiphon.cpu;

import io.antiphon.tensor.AdamOptions;
import io.antiphon.tensor.AdamTensors;
import io.antiphon.tensor.OpParts;
import io.antiphon.tensor.ScheduleOptions;
import io.antiphon.tensor.StepState;
import io.antiphon.tensor.Tensor;

/** Loss, gradient norm and optimizer in double precision, and the end of a step. */
final class F64Training implements OpParts.Loss, OpParts.Update {
  private final Recorder recorder;

  F64Training(Recorder recorder) {
    this.recorder = recorder;
  }

  @Override
  public void crossEntropyLoss(Tensor logits, Tensor targets, Tensor lossSum) {
    recorder.submit(() -> addLosses(logits, targets, lossSum));
  }

  private static void addLosses(Tensor logits, Tensor targets, Tensor lossSum) {
    int vocabulary = logits.extent(1);
    double[] logit = CpuMemory.doubles(logits);
    double sum = 0;
    for (int row = 0; row < logits.extent(0); row++) {
      int target = target(targets, row, vocabulary);
      if (target >= 0) {
        int at = F64Dense.row(logits, row, vocabulary);
        sum += F64Router.logSumExp(logit, at, vocabulary) - logit[at + target];
      }
    }
    CpuMemory.doubles(lossSum)[CpuMemory.offset(lossSum)] += sum;
  }

  @Override
  public void crossEntropy(Tensor logits, Tensor targets, Tensor targetCount, Tensor lossSum) {
    recorder.submit(
        () -> {
          addLosses(logits, targets, lossSum);
          int vocabulary = logits.extent(1);
          double[] logit = CpuMemory.doubles(logits);
          double count = StepOps.value(targetCount);
          for (int row = 0; row < logits.extent(0); row++) {
            int target = target(targets, row, vocabulary);
            int at = F64Dense.row(logits, row, vocabulary);
            double total = F64Router.logSumExp(logit, at, vocabulary);
            for (int i = 0; i < vocabulary; i++) {
              double share = Math.exp(logit[at + i] - total) - (i == target ? 1 : 0);
              logit[at + i] = target < 0 || count == 0 ? 0 : share / count;
            }
          }
        });
  }

  private static int target(Tensor targets, int row, int vocabulary) {
    int target = CpuMemory.ints(targets)[CpuMemory.offset(targets) + row];
    return target == -1 ? -1 : IndexChecks.index("target", target, vocabulary);
  }

  @Override
  public void squaredNorm(Tensor gradient, Tensor sum) {
    recorder.submit(
        () -> {
          double[] values = CpuMemory.doubles(gradient);
          double squares = 0;
          for (int i = 0; i < gradient.elements(); i++) {
            double value = values[CpuMemory.offset(gradient) + i];
            squares += value * value;
          }
          CpuMemory.doubles(sum)[CpuMemory.offset(sum)] += squares;
        });
  }

  @Override
  public void decideUpdate(
      Tensor squaredNorm, double maxNorm, ScheduleOptions schedule, StepState state) {
    recorder.submit(() -> StepOps.decideUpdate(squaredNorm, maxNorm, schedule, state));
  }

  @Override
  public void commit(StepState state) {
    recorder.submit(() -> StepOps.commit(state));
  }

  @Override
  public void push(Tensor record, StepState state, Tensor ring) {
    recorder.submit(() -> MemoryOps.push(record, state, ring));
  }

  @Override
  public void adamW(AdamTensors tensors, AdamOptions options, StepState state) {
    recorder.submit(
        () -> {
          if (!StepOps.applies(state)) {
            return;
          }
          long update = StepOps.counter(state, 1) + 1;
          double firstCorrection = 1 - Math.pow(options.beta1(), (double) update);
          double secondCorrection = 1 - Math.pow(options.beta2(), (double) update);
          double rate = StepOps.value(state.learningRate());
          double clip = StepOps.value(state.clipFactor());
          for (int i = 0; i < tensors.master().elements(); i++) {
            double gradient = value(tensors.gradient(), i) * clip;
            double m =
                options.beta1() * value(tensors.firstMoment(), i)
                    + (1 - options.beta1()) * gradient;
            double v =
                options.beta2() * value(tensors.secondMoment(), i)
                    + (1 - options.beta2()) * gradient * gradient;
            double master = value(tensors.master(), i);
            double step =
                m / firstCorrection / (Math.sqrt(v / secondCorrection) + options.epsilon());
            master -= rate * (step + options.weightDecay() * master);
            put(tensors.firstMoment(), i, m);
            put(tensors.secondMoment(), i, v);
            put(tensors.master(), i, master);
            put(tensors.weight(), i, master);
          }
        });
  }

  @Override
  public void updateExpertBias(Tensor counts, double rate, StepState state, Tensor bias) {
    recorder.submit(
        () -> {
          if (StepOps.overflowed(state)) {
            return;
          }
          int experts = bias.extent(0);
          double sum = 0;
          for (int expert = 0; expert < experts; expert++) {
            sum += value(counts, expert);
          }
          for (int expert = 0; expert < experts; expert++) {
            // One division of the exact sum: a sum of shares is rounded, and equal loads look
            // unequal.
            double towards = Math.signum(sum / experts - value(counts, expert));
            put(bias, expert, value(bias, expert) + rate * towards);
          }
        });
  }

  private static double value(Tensor tensor, int i) {
    return CpuMemory.doubles(tensor)[CpuMemory.offset(tensor) + i];
  }

  private static void put(Tensor tensor, int i, double value) {
    CpuMemory.doubles(tensor)[CpuMemory.offset(tensor) + i] = value;
  }
}
