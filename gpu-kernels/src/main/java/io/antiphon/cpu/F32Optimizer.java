package io.antiphon.cpu;

import io.antiphon.tensor.AdamOptions;
import io.antiphon.tensor.AdamTensors;
import io.antiphon.tensor.OpParts;
import io.antiphon.tensor.ScheduleOptions;
import io.antiphon.tensor.StepState;
import io.antiphon.tensor.Tensor;

/** Gradient norm, AdamW and the expert bias in fp32, and the end of a step. */
final class F32Optimizer implements OpParts.Update {
  private final Recorder recorder;
  private final F32Scratch scratch;

  F32Optimizer(Recorder recorder, F32Scratch scratch) {
    this.recorder = recorder;
    this.scratch = scratch;
  }

  @Override
  public void squaredNorm(Tensor gradient, Tensor sum) {
    F32View view = F32View.of(gradient);
    double[] total = CpuMemory.doubles(sum);
    int totalAt = CpuMemory.offset(sum);
    float[] block = scratch.array(0, F32Scratch.BLOCK);
    recorder.submit(
        () -> {
          double squares = 0;
          for (int from = 0; from < view.length(); from += F32Scratch.BLOCK) {
            int count = Math.min(F32Scratch.BLOCK, view.length() - from);
            view.read(from, block, count);
            squares += F32Vectors.dot(block, 0, block, 0, count);
          }
          total[totalAt] += squares;
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
    F32View masterView = F32View.of(tensors.master());
    F32View gradientView = F32View.of(tensors.gradient());
    F32View firstView = F32View.of(tensors.firstMoment());
    F32View secondView = F32View.of(tensors.secondMoment());
    F32View weightView = F32View.of(tensors.weight());
    float[] master = scratch.array(0, F32Scratch.BLOCK);
    float[] gradient = scratch.array(1, F32Scratch.BLOCK);
    float[] first = scratch.array(2, F32Scratch.BLOCK);
    float[] second = scratch.array(3, F32Scratch.BLOCK);
    recorder.submit(
        () -> {
          if (!StepOps.applies(state)) {
            return;
          }
          long update = StepOps.counter(state, 1) + 1;
          double learningRate = StepOps.value(state.learningRate());
          float clip = (float) StepOps.value(state.clipFactor());
          double firstBias = 1 - Math.pow(options.beta1(), (double) update);
          double secondBias = 1 - Math.pow(options.beta2(), (double) update);
          float stepSize = (float) (learningRate / firstBias);
          float secondScale = (float) (1 / secondBias);
          float decay = (float) (learningRate * options.weightDecay());
          for (int from = 0; from < masterView.length(); from += F32Scratch.BLOCK) {
            int count = Math.min(F32Scratch.BLOCK, masterView.length() - from);
            masterView.read(from, master, count);
            gradientView.read(from, gradient, count);
            firstView.read(from, first, count);
            secondView.read(from, second, count);
            average(gradient, clip, options, first, second, count);
            step(
                first,
                second,
                stepSize,
                secondScale,
                (float) options.epsilon(),
                decay,
                master,
                count);
            firstView.write(from, first, count);
            secondView.write(from, second, count);
            masterView.write(from, master, count);
            weightView.write(from, master, count);
          }
        });
  }

  private static void average(
      float[] gradient, float clip, AdamOptions options, float[] first, float[] second, int count) {
    float beta1 = (float) options.beta1();
    float beta2 = (float) options.beta2();
    float new1 = (float) (1 - options.beta1());
    float new2 = (float) (1 - options.beta2());
    for (int i = 0; i < count; i++) {
      float g = gradient[i] * clip;
      first[i] = beta1 * first[i] + new1 * g;
      second[i] = beta2 * second[i] + new2 * g * g;
    }
  }

  private static void step(
      float[] first,
      float[] second,
      float stepSize,
      float secondScale,
      float epsilon,
      float decay,
      float[] master,
      int count) {
    for (int i = 0; i < count; i++) {
      float root = (float) Math.sqrt(second[i] * secondScale) + epsilon;
      master[i] = master[i] - decay * master[i] - stepSize * first[i] / root;
    }
  }

  @Override
  public void updateExpertBias(Tensor counts, double rate, StepState state, Tensor bias) {
    int experts = bias.extent(0);
    double[] count = CpuMemory.doubles(counts);
    int firstCount = CpuMemory.offset(counts);
    F32View view = F32View.of(bias);
    float[] values = scratch.array(0, experts);
    recorder.submit(
        () -> {
          if (StepOps.overflowed(state)) {
            return;
          }
          double sum = 0;
          for (int expert = 0; expert < experts; expert++) {
            sum += count[firstCount + expert];
          }
          view.read(0, values, experts);
          for (int expert = 0; expert < experts; expert++) {
            double missing = sum / experts - count[firstCount + expert];
            values[expert] += (float) (rate * Math.signum(missing));
          }
          view.write(0, values, experts);
        });
  }
}
