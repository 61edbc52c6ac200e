package io.antiphon.cpu;

import io.antiphon.tensor.Collectives;
import io.antiphon.tensor.RowTensors;
import io.antiphon.tensor.Tensor;
import io.antiphon.transport.Members;
import io.antiphon.transport.Transport;
import java.nio.ByteBuffer;

/**
 * Collectives of the CPU backend over point-to-point messages. The order of every sum is fixed by
 * ranks and slots, never by arrival, so threads of one process and executors on a network give the
 * same bits.
 */
final class CpuCollectives implements Collectives {
  /** Size below which every rank sums everything itself: one exchange instead of two. */
  private static final long SMALL_ELEMENTS = 4096;

  private final Recorder recorder;
  private final Members group;
  private final RowExchange rowExchange;

  CpuCollectives(Recorder recorder, Transport transport, int... members) {
    this.recorder = recorder;
    this.group = new Members(transport, members);
    this.rowExchange = new RowExchange(group);
  }

  @Override
  public int rank() {
    return group.rank();
  }

  @Override
  public int ranks() {
    return group.ranks();
  }

  @Override
  public void allGather(Tensor in, Tensor out) {
    recorder.submit(() -> gather(in, out));
  }

  private void gather(Tensor in, Tensor out) {
    for (int peer = 0; peer < ranks(); peer++) {
      if (peer != rank()) {
        group.send(peer, TensorBytes.of(in));
      }
    }
    long length = in.elements();
    for (int peer = 0; peer < ranks(); peer++) {
      ByteBuffer part = peer == rank() ? TensorBytes.of(in) : group.receive(peer);
      TensorBytes.write(part, out.range(peer * length, length));
    }
  }

  @Override
  public void allReduceSum(Tensor tensor) {
    recorder.submit(() -> reduce(tensor, Reduction.SUM));
  }

  @Override
  public void allReduceMax(Tensor tensor) {
    recorder.submit(() -> reduce(tensor, Reduction.MAX));
  }

  /**
   * Each rank reduces its part of the elements and sends the result to all others; small tensors
   * are reduced whole by everybody. Per element both add in rank order, so both give the same bits.
   */
  private void reduce(Tensor tensor, Reduction reduction) {
    if (ranks() == 1) {
      return;
    }
    if (tensor.elements() < SMALL_ELEMENTS) {
      for (int peer = 0; peer < ranks(); peer++) {
        if (peer != rank()) {
          group.send(peer, TensorBytes.of(tensor));
        }
      }
      reducePart(tensor, reduction);
      return;
    }
    for (int peer = 0; peer < ranks(); peer++) {
      if (peer != rank()) {
        group.send(peer, TensorBytes.of(part(tensor, peer)));
      }
    }
    Tensor own = part(tensor, rank());
    reducePart(own, reduction);
    for (int peer = 0; peer < ranks(); peer++) {
      if (peer != rank()) {
        group.send(peer, TensorBytes.of(own));
      }
    }
    for (int peer = 0; peer < ranks(); peer++) {
      if (peer != rank()) {
        TensorBytes.write(group.receive(peer), part(tensor, peer));
      }
    }
  }

  private Tensor part(Tensor tensor, int owner) {
    long first = tensor.elements() * owner / ranks();
    long end = tensor.elements() * (owner + 1) / ranks();
    return tensor.range(first, end - first);
  }

  private void reducePart(Tensor own, Reduction reduction) {
    ByteBuffer mine = TensorBytes.of(own);
    for (int peer = 0; peer < ranks(); peer++) {
      ByteBuffer contribution = peer == rank() ? mine : group.receive(peer);
      if (peer == 0) {
        TensorBytes.write(contribution, own);
      } else {
        reduction.into(own, contribution);
      }
    }
  }

  @Override
  public void dispatch(Tensor x, RowTensors rows, Tensor out) {
    recorder.submit(() -> rowExchange.dispatch(x, rows, out));
  }

  @Override
  public void dispatchScalars(Tensor x, RowTensors rows, Tensor out) {
    recorder.submit(() -> rowExchange.dispatchScalars(x, rows, out));
  }

  @Override
  public void combine(Tensor x, RowTensors rows, Tensor y) {
    recorder.submit(() -> rowExchange.combine(x, rows, y));
  }

  @Override
  public void combineScalars(Tensor x, RowTensors rows, Tensor y) {
    recorder.submit(() -> rowExchange.combineScalars(x, rows, y));
  }

  @Override
  public void dispatchWeights(Tensor home, Tensor slotHome, Tensor slots) {
    recorder.submit(() -> sendWeights(home, slotHome, slots));
  }

  // Sends and receives go through the slots in ascending order, so the messages of a pair match one
  // by one.
  private void sendWeights(Tensor home, Tensor slotHome, Tensor slots) {
    SlotWalk walk = new SlotWalk(home, slotHome, slots);
    for (int slot = 0; slot < slotHome.extent(0); slot++) {
      if (walk.isHome(slot) && !walk.isSlotHere(slot)) {
        group.send(walk.slotRank(slot), TensorBytes.of(walk.homeRow(slot)));
      }
    }
    for (int slot = 0; slot < slotHome.extent(0); slot++) {
      if (walk.isUsed(slot) && walk.isSlotHere(slot)) {
        ByteBuffer weights =
            walk.isHome(slot)
                ? TensorBytes.of(walk.homeRow(slot))
                : group.receive(walk.homeRank(slot));
        TensorBytes.write(weights, walk.slotRow(slot));
      }
    }
  }

  @Override
  public void reduceSlotGradients(Tensor slots, Tensor slotHome, Tensor home) {
    recorder.submit(() -> sendGradients(slots, slotHome, home));
  }

  private void sendGradients(Tensor slots, Tensor slotHome, Tensor home) {
    SlotWalk walk = new SlotWalk(home, slotHome, slots);
    for (int slot = 0; slot < slotHome.extent(0); slot++) {
      if (walk.isUsed(slot) && walk.isSlotHere(slot) && !walk.isHome(slot)) {
        group.send(walk.homeRank(slot), TensorBytes.of(walk.slotRow(slot)));
      }
    }
    for (int slot = 0; slot < slotHome.extent(0); slot++) {
      if (walk.isHome(slot)) {
        ByteBuffer gradient =
            walk.isSlotHere(slot)
                ? TensorBytes.of(walk.slotRow(slot))
                : group.receive(walk.slotRank(slot));
        Reduction.SUM.into(walk.homeRow(slot), gradient);
      }
    }
  }

  /** Homes of the slots, for one plan as it is now. */
  private final class SlotWalk {
    private final Tensor home;
    private final Tensor slots;
    private final int[] expertOfSlot;
    private final int first;
    private final int localExperts;
    private final int slotsPerRank;

    SlotWalk(Tensor home, Tensor slotHome, Tensor slots) {
      this.home = home;
      this.slots = slots;
      expertOfSlot = CpuMemory.ints(slotHome);
      first = CpuMemory.offset(slotHome);
      localExperts = home.extent(0);
      slotsPerRank = slots.extent(0);
    }

    boolean isUsed(int slot) {
      return expertOfSlot[first + slot] >= 0;
    }

    int homeRank(int slot) {
      return expertOfSlot[first + slot] / localExperts;
    }

    boolean isHome(int slot) {
      return isUsed(slot) && homeRank(slot) == rank();
    }

    int slotRank(int slot) {
      return slot / slotsPerRank;
    }

    boolean isSlotHere(int slot) {
      return slotRank(slot) == rank();
    }

    Tensor homeRow(int slot) {
      return home.rows(expertOfSlot[first + slot] % localExperts, 1);
    }

    Tensor slotRow(int slot) {
      return slots.rows(slot % slotsPerRank, 1);
    }
  }
}
