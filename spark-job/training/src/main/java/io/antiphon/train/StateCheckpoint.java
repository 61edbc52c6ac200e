package io.antiphon.train;

import io.antiphon.model.ModelState;
import io.antiphon.model.Parameter;
import io.antiphon.tensor.AdamTensors;
import io.antiphon.tensor.Backend;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.Tensor;
import io.antiphon.train.checkpoint.CheckpointException;
import io.antiphon.train.checkpoint.CheckpointReader;
import io.antiphon.train.checkpoint.StoredType;
import io.antiphon.train.checkpoint.TensorEntry;
import io.antiphon.train.checkpoint.TensorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;

/**
 * The model state as named tensors of a checkpoint. Names are global: an expert has its own tensors
 * whichever rank holds it, so any number of ranks can read what any other wrote. Slots are never
 * stored.
 */
final class StateCheckpoint {
  private record Named(String name, Tensor tensor, boolean writtenHere) {}

  private final Backend backend;
  private final List<Named> tensors = new ArrayList<>();

  /**
   * @param rank world rank
   * @param ranks world size
   * @param writesExperts whether this rank, among those holding the same experts, is the one that
   *     writes
   */
  StateCheckpoint(Backend backend, ModelState state, int rank, int ranks, boolean writesExperts) {
    this.backend = backend;
    int turn = 0;
    for (Parameter parameter : state.registry().parameters()) {
      if (parameter.sharding() == Parameter.Sharding.EXPERT) {
        for (int local = 0; local < parameter.shape().intExtent(0); local++) {
          String name = parameter.expertName(parameter.firstExpert() + local);
          addAll(name, parameter.tensors(), local, writesExperts);
        }
      } else {
        // Replicated parameters are written by the ranks in turn, to spread the work.
        addAll(parameter.name(), parameter.tensors(), -1, turn++ % ranks == rank);
      }
    }
    List<Tensor> biases = state.expertBiases();
    for (int layer = 0; layer < biases.size(); layer++) {
      tensors.add(new Named("moe." + layer + ".expert-bias", biases.get(layer), rank == 0));
    }
    tensors.add(new Named("counters", state.counters(), rank == 0));
  }

  private void addAll(String name, AdamTensors all, int expert, boolean writtenHere) {
    tensors.add(new Named(name, part(all.master(), expert), writtenHere));
    tensors.add(new Named(name + "#adam.m", part(all.firstMoment(), expert), writtenHere));
    tensors.add(new Named(name + "#adam.v", part(all.secondMoment(), expert), writtenHere));
  }

  private static Tensor part(Tensor tensor, int expert) {
    if (expert < 0) {
      return tensor;
    }
    Tensor row = tensor.rows(expert, 1);
    return row.reshape(tensor.shape().extent(1), tensor.shape().extent(2));
  }

  /** What this rank writes. */
  List<TensorEntry> entries() {
    List<TensorEntry> entries = new ArrayList<>();
    for (Named named : tensors) {
      if (named.writtenHere()) {
        Tensor tensor = named.tensor();
        entries.add(
            new TensorEntry(
                named.name(),
                storedType(tensor.dtype()),
                extents(tensor),
                (offset, chunk) ->
                    backend.hostIo().read(tensor, offset / tensor.dtype().bytes(), chunk)));
      }
    }
    return entries;
  }

  /**
   * Overwrites this rank's state with the checkpoint's.
   *
   * @throws CheckpointException if a tensor is missing or has another type or shape
   */
  void restore(CheckpointReader reader, ModelState state) {
    for (Named named : tensors) {
      Tensor tensor = named.tensor();
      requireFits(reader, named);
      reader.read(
          named.name(),
          (offset, chunk) ->
              backend.hostIo().write(tensor, offset / tensor.dtype().bytes(), chunk));
    }
    state.refreshWeights();
  }

  private static void requireFits(CheckpointReader reader, Named named) {
    Tensor tensor = named.tensor();
    TensorSpec stored =
        reader
            .manifest()
            .tensor(named.name())
            .orElseThrow(
                () ->
                    new CheckpointException(
                        "the checkpoint of step %d has no tensor %s; it was written for another model"
                            .formatted(reader.manifest().step(), named.name())));
    if (stored.dtype() != storedType(tensor.dtype()) || !stored.shape().equals(extents(tensor))) {
      throw new CheckpointException(
          "tensor %s is %s%s in the checkpoint of step %d; this run needs %s%s. Resume with the backend and"
                  .formatted(
                      named.name(),
                      stored.dtype(),
                      stored.shape(),
                      reader.manifest().step(),
                      tensor.dtype(),
                      tensor.shape())
              + " the model it was written with");
    }
  }

  private static StoredType storedType(DType dtype) {
    return StoredType.valueOf(dtype.name());
  }

  private static List<Long> extents(Tensor tensor) {
    return LongStream.range(0, tensor.shape().order())
        .mapToObj(axis -> tensor.shape().extent((int) axis))
        .toList();
  }
}
