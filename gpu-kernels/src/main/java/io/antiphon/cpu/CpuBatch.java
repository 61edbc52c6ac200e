package io.antiphon.cpu;

import io.antiphon.tensor.OpParts;
import io.antiphon.tensor.Tensor;

/** Inputs and targets, whatever the floating type. */
final class CpuBatch implements OpParts.Batch {
  private final Recorder recorder;

  CpuBatch(Recorder recorder) {
    this.recorder = recorder;
  }

  @Override
  public void prepareBatch(
      Tensor batch, int endOfText, Tensor inputs, Tensor targets, Tensor documentStarts) {
    recorder.submit(
        () -> {
          int sequences = batch.extent(0);
          int sequenceLength = batch.extent(1) - 1;
          int[] packed = CpuMemory.ints(batch);
          int[] input = CpuMemory.ints(inputs);
          int[] target = CpuMemory.ints(targets);
          int[] start = CpuMemory.ints(documentStarts);
          for (int sequence = 0; sequence < sequences; sequence++) {
            int from = CpuMemory.offset(batch) + sequence * (sequenceLength + 1);
            int token = sequence * sequenceLength;
            int documentStart = 0;
            for (int i = 0; i < sequenceLength; i++, token++) {
              int id = packed[from + i];
              boolean ends = id == endOfText;
              input[CpuMemory.offset(inputs) + token] = id;
              target[CpuMemory.offset(targets) + token] = ends ? -1 : packed[from + i + 1];
              start[CpuMemory.offset(documentStarts) + token] = documentStart;
              if (ends) {
                documentStart = i + 1;
              }
            }
          }
        });
  }

  @Override
  public void countTargets(Tensor targets, Tensor count) {
    recorder.submit(
        () -> {
          int[] target = CpuMemory.ints(targets);
          int offset = CpuMemory.offset(targets);
          long known = 0;
          for (int i = 0; i < targets.extent(0); i++) {
            if (target[offset + i] != -1) {
              known++;
            }
          }
          CpuMemory.doubles(count)[CpuMemory.offset(count)] += known;
        });
  }
}
