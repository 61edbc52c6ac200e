package io.antiphon.comm;

import io.antiphon.comm.PeerKernels.Destinations;
import io.antiphon.device.Arguments;
import io.antiphon.device.Stream;
import io.antiphon.kernel.CudaLane;
import io.antiphon.kernel.CudaStorage;
import io.antiphon.tensor.Collectives;
import io.antiphon.tensor.RowTensors;
import io.antiphon.tensor.Tensor;
import io.antiphon.transport.Members;
import java.time.Duration;
import java.util.Set;

/** One group on one lane, through peer memory. */
final class PeerCollectives implements Collectives {
  private static final int ENTRY = 0;
  private static final int EXIT = 1;

  /** Elements a part of a reduction is a multiple of, so that parts stay aligned. */
  private static final int PART_MULTIPLE = 8;

  private final PeerGroup group;
  private final CudaLane lane;
  private final Members members;
  private final int channel;
  private final ControlBlock control;
  private final SharedTensors shared;
  private final long[] controls;
  private final PeerKernels kernels;
  private final PeerKernels.Place place;
  private long freed;

  PeerCollectives(PeerGroup group, CudaLane lane, Members members, int channel) {
    this.group = group;
    this.lane = lane;
    this.members = members;
    this.channel = channel;
    control = new ControlBlock(group.device(), members, group.endpoints());
    shared = new SharedTensors(group.device(), members, group.endpoints());
    controls = control.addresses();
    kernels = group.kernels();
    place = new PeerKernels.Place(members.rank(), members.ranks(), group.watch().address());
  }

  Members members() {
    return members;
  }

  ControlBlock control() {
    return control;
  }

  @Override
  public int rank() {
    return members.rank();
  }

  @Override
  public int ranks() {
    return members.ranks();
  }

  private Stream stream() {
    return lane.stream();
  }

  private Arguments meeting(Operation operation) {
    return new Arguments()
        .addresses(controls)
        .i32(rank())
        .i32(ranks())
        .address(place.watch())
        .i32(channel)
        .i32(operation.number());
  }

  /** Enqueues {@code work} between two meetings, as the package says. */
  private void between(Operation operation, Runnable work) {
    if (ranks() == 1) {
      work.run();
      return;
    }
    kernels.meet(stream(), meeting(operation), ENTRY);
    work.run();
    kernels.meet(stream(), meeting(operation), EXIT);
  }

  @Override
  public void allGather(Tensor in, Tensor out) {
    group.countOperation();
    long bytes = in.elements() * in.dtype().bytes();
    if (bytes == 0) {
      return;
    }
    if (ranks() > 1 && bytes <= ControlBlock.STAGING_BYTES) {
      kernels.exchangeGather(stream(), meeting(Operation.ALL_GATHER), in, out);
      return;
    }
    long[] all = shared.addresses(Operation.ALL_GATHER, in);
    between(
        Operation.ALL_GATHER,
        () -> kernels.gather(stream(), place, all, CudaStorage.address(out), bytes));
  }

  @Override
  public void allReduceSum(Tensor tensor) {
    group.countOperation();
    reduce(Operation.ALL_REDUCE_SUM, "SumOf", tensor);
  }

  @Override
  public void allReduceMax(Tensor tensor) {
    group.countOperation();
    reduce(Operation.ALL_REDUCE_MAX, "MaxOf", tensor);
  }

  private void reduce(Operation operation, String join, Tensor tensor) {
    long elements = tensor.elements();
    if (ranks() == 1 || elements == 0) {
      return;
    }
    if (elements * tensor.dtype().bytes() <= ControlBlock.STAGING_BYTES) {
      kernels.exchangeReduce(stream(), meeting(operation), join, tensor);
      return;
    }
    long[] all = shared.addresses(operation, tensor);
    long part = (elements + ranks() - 1) / ranks();
    part = (part + PART_MULTIPLE - 1) / PART_MULTIPLE * PART_MULTIPLE;
    long first = Math.min(elements, rank() * part);
    long count = Math.min(elements, first + part) - first;
    between(
        operation,
        () -> kernels.reduce(stream(), place, tensor.dtype(), join, all, first, count, elements));
  }

  @Override
  public void dispatch(Tensor x, RowTensors rows, Tensor out) {
    group.countOperation();
    if (out.elements() == 0) {
      return;
    }
    long[] all = shared.addresses(Operation.DISPATCH, out);
    long rowBytes = x.shape().rowElements() * x.dtype().bytes();
    between(
        Operation.DISPATCH,
        () -> {
          if (x.elements() > 0) {
            kernels.dispatch(
                stream(), place, CudaStorage.address(x), Destinations.of(rows), all, rowBytes);
          }
        });
  }

  @Override
  public void dispatchScalars(Tensor x, RowTensors rows, Tensor out) {
    group.countOperation();
    if (out.elements() == 0) {
      return;
    }
    long[] all = shared.addresses(Operation.DISPATCH_SCALARS, out);
    between(
        Operation.DISPATCH_SCALARS,
        () -> {
          if (x.elements() > 0) {
            kernels.dispatchScalars(
                stream(),
                place,
                CudaStorage.address(x),
                Destinations.of(rows),
                all,
                x.dtype().bytes());
          }
        });
  }

  @Override
  public void combine(Tensor x, RowTensors rows, Tensor y) {
    group.countOperation();
    if (y.shape().rowElements() == 0) {
      return;
    }
    long[] all = shared.addresses(Operation.COMBINE, x);
    between(
        Operation.COMBINE,
        () -> {
          if (y.elements() > 0) {
            kernels.combine(stream(), place, all, Destinations.of(rows), y);
          }
        });
  }

  @Override
  public void combineScalars(Tensor x, RowTensors rows, Tensor y) {
    group.countOperation();
    long[] all = shared.addresses(Operation.COMBINE_SCALARS, x);
    between(
        Operation.COMBINE_SCALARS,
        () -> {
          if (y.elements() > 0) {
            kernels.combineScalars(stream(), place, all, Destinations.of(rows), y);
          }
        });
  }

  @Override
  public void dispatchWeights(Tensor home, Tensor slotHome, Tensor slots) {
    PeerKernels.requireSlots(slotHome);
    group.countOperation();
    if (slots.elements() == 0) {
      return;
    }
    long[] all = shared.addresses(Operation.DISPATCH_WEIGHTS, home);
    between(
        Operation.DISPATCH_WEIGHTS,
        () -> kernels.dispatchWeights(stream(), place, all, home.extent(0), slotHome, slots));
  }

  @Override
  public void reduceSlotGradients(Tensor slots, Tensor slotHome, Tensor home) {
    PeerKernels.requireSlots(slotHome);
    group.countOperation();
    if (slots.elements() == 0) {
      return;
    }
    long[] all = shared.addresses(Operation.REDUCE_SLOT_GRADIENTS, slots);
    between(
        Operation.REDUCE_SLOT_GRADIENTS,
        () -> {
          if (home.elements() > 0) {
            kernels.reduceSlots(stream(), place, all, slots.extent(0), slotHome, home);
          }
        });
  }

  /** Whether peers may use a buffer in this group. */
  boolean uses(CudaStorage storage) {
    return shared.contains(storage);
  }

  /** All buffers that peers may use. */
  Set<CudaStorage> buffers() {
    return shared.all();
  }

  /** Lets go the peers' counterparts of a buffer, and tells them. */
  void release(CudaStorage storage) {
    shared.forget(storage);
    freed++;
    control.release(freed);
  }

  /** Waits until the peers have let go what this rank has; false if one may still use it. */
  boolean awaitRelease(Duration limit) {
    return control.awaitRelease(freed, limit);
  }

  /** Tells the peers that this rank comes no more and uses nothing of theirs; lanes are idle. */
  void leave() {
    control.leave();
    shared.forgetAll();
    control.releaseAll();
  }

  /** Frees what only this rank uses; false if a peer may still use it. */
  boolean close(Duration limit) {
    boolean unused = control.awaitReleaseOfAll(limit);
    control.unmap();
    if (unused) {
      control.free();
    } else {
      control.keep();
    }
    return unused;
  }
}
