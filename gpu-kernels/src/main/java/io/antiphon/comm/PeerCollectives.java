package io.antiphon.comm;

import io.antiphon.device.Arguments;
import io.antiphon.device.Grid;
import io.antiphon.device.Stream;
import io.antiphon.kernel.CudaLane;
import io.antiphon.kernel.CudaStorage;
import io.antiphon.tensor.Collectives;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.PlanTensors;
import io.antiphon.tensor.RowTensors;
import io.antiphon.tensor.Tensor;
import java.time.Duration;

/** One group on one lane, through peer memory. */
final class PeerCollectives implements Collectives {
  private static final int THREADS = 256;
  private static final int EXCHANGE_THREADS = 512;
  private static final int WARP = 32;
  private static final int ENTRY = 0;
  private static final int EXIT = 1;

  /** Elements a part of a reduction is a multiple of, so that parts stay aligned. */
  private static final int PART_MULTIPLE = 8;

  /** Blocks of a transfer beside compute: enough for the links, few enough to leave room. */
  private static final int TRANSFER_BLOCKS = 128;

  private final PeerGroup group;
  private final CudaLane lane;
  private final Members members;
  private final int channel;
  private final ControlBlock control;
  private final SharedTensors shared;
  private final CollectiveArguments arguments;
  private final long[] controls;
  private long freed;

  PeerCollectives(PeerGroup group, CudaLane lane, Members members, int channel) {
    this.group = group;
    this.lane = lane;
    this.members = members;
    this.channel = channel;
    control = new ControlBlock(group.device(), members, group.endpoints());
    shared = new SharedTensors(group.device(), members, group.endpoints());
    arguments = new CollectiveArguments(members.ranks());
    controls = control.addresses();
  }

  Members members() {
    return members;
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

  private void launch(String kernel, Grid grid, Arguments values) {
    group.kernels().launch(stream(), kernel, grid, values);
  }

  private Arguments meeting(Operation operation) {
    return new Arguments()
        .addresses(controls)
        .i32(rank())
        .i32(ranks())
        .address(group.watch().address())
        .i32(channel)
        .i32(operation.number());
  }

  private void meet(Operation operation, int phase) {
    if (ranks() > 1) {
      launch("peer_meeting", Grid.of(1, ControlBlock.MAX_RANKS), meeting(operation).i32(phase));
    }
  }

  private long watch() {
    return group.watch().address();
  }

  @Override
  public void allGather(Tensor in, Tensor out) {
    arguments.allGather(in, out);
    group.countOperation();
    long bytes = in.elements() * in.dtype().bytes();
    if (bytes == 0) {
      return;
    }
    if (ranks() > 1 && bytes <= ControlBlock.STAGING_BYTES) {
      launch(
          PeerKernels.ofWord("peer_exchange_gather", in.dtype().bytes()),
          Grid.of(1, EXCHANGE_THREADS),
          meeting(Operation.ALL_GATHER)
              .address(CudaStorage.address(in))
              .address(CudaStorage.address(out))
              .i32((int) in.elements()));
      return;
    }
    long[] all = shared.addresses(Operation.ALL_GATHER, in);
    int word = PeerKernels.wordBytes(bytes, CudaStorage.address(out), all);
    meet(Operation.ALL_GATHER, ENTRY);
    launch(
        PeerKernels.ofWord("peer_gather", word),
        group.kernels().striding(bytes / word, THREADS, ranks()),
        new Arguments()
            .addresses(all)
            .i32(rank())
            .i32(ranks())
            .address(watch())
            .address(CudaStorage.address(out))
            .i64(bytes / word));
    meet(Operation.ALL_GATHER, EXIT);
  }

  @Override
  public void allReduceSum(Tensor tensor) {
    group.countOperation();
    reduce(Operation.ALL_REDUCE_SUM, "SumOf", tensor);
  }

  @Override
  public void allReduceMax(Tensor tensor) {
    arguments.allReduceMax(tensor);
    group.countOperation();
    reduce(Operation.ALL_REDUCE_MAX, "MaxOf", tensor);
  }

  private void reduce(Operation operation, String join, Tensor tensor) {
    DType dtype = tensor.dtype();
    long elements = tensor.elements();
    if (ranks() == 1 || elements == 0) {
      return;
    }
    if (elements * dtype.bytes() <= ControlBlock.STAGING_BYTES) {
      launch(
          PeerKernels.ofType("peer_exchange_reduce", dtype, join),
          Grid.of(1, EXCHANGE_THREADS),
          meeting(operation).address(CudaStorage.address(tensor)).i32((int) elements));
      return;
    }
    long[] all = shared.addresses(operation, tensor);
    long part = (elements + ranks() - 1) / ranks();
    part = (part + PART_MULTIPLE - 1) / PART_MULTIPLE * PART_MULTIPLE;
    long first = Math.min(elements, rank() * part);
    long count = Math.min(elements, first + part) - first;
    int packed = PeerKernels.packed(dtype, packedElements(dtype), all[0], all);
    meet(operation, ENTRY);
    launch(
        PeerKernels.ofType("peer_reduce", dtype, join, packed),
        group.kernels().striding(Math.max(1, count / packed), THREADS),
        new Arguments()
            .addresses(all)
            .i32(rank())
            .i32(ranks())
            .address(watch())
            .i64(first)
            .i64(count)
            .i64(elements));
    meet(operation, EXIT);
  }

  /** A row length that never stands in the way of packs. */
  private static long packedElements(DType dtype) {
    return 16 / dtype.bytes();
  }

  @Override
  public void dispatch(Tensor x, RowTensors rows, Tensor out) {
    arguments.dispatch(x, rows, out);
    group.countOperation();
    if (out.elements() == 0) {
      return;
    }
    long[] all = shared.addresses(Operation.DISPATCH, out);
    meet(Operation.DISPATCH, ENTRY);
    if (x.elements() > 0) {
      long tokens = x.shape().extent(0);
      long rowBytes = x.shape().rowElements() * x.dtype().bytes();
      int word = PeerKernels.wordBytes(rowBytes, CudaStorage.address(x), all);
      launch(
          PeerKernels.ofWord("peer_dispatch", word),
          group.kernels().striding(tokens * WARP, THREADS),
          destinations(new Arguments().address(CudaStorage.address(x)), rows)
              .addresses(all)
              .address(watch())
              .i64(tokens)
              .i32(rows.destinationRow().extent(1))
              .i64(rowBytes / word));
    }
    meet(Operation.DISPATCH, EXIT);
  }

  private static Arguments destinations(Arguments before, RowTensors rows) {
    return before
        .address(CudaStorage.address(rows.destinationRank()))
        .address(CudaStorage.address(rows.destinationRow()));
  }

  @Override
  public void dispatchScalars(Tensor x, RowTensors rows, Tensor out) {
    arguments.dispatchScalars(x, rows, out);
    group.countOperation();
    if (out.elements() == 0) {
      return;
    }
    long[] all = shared.addresses(Operation.DISPATCH_SCALARS, out);
    meet(Operation.DISPATCH_SCALARS, ENTRY);
    if (x.elements() > 0) {
      launch(
          PeerKernels.ofWord("peer_dispatch_scalars", x.dtype().bytes()),
          group.kernels().striding(x.elements(), THREADS),
          destinations(new Arguments().address(CudaStorage.address(x)), rows)
              .addresses(all)
              .address(watch())
              .i64(x.elements()));
    }
    meet(Operation.DISPATCH_SCALARS, EXIT);
  }

  @Override
  public void combine(Tensor x, RowTensors rows, Tensor y) {
    arguments.combine(x, rows, y);
    group.countOperation();
    if (y.shape().rowElements() == 0) {
      return;
    }
    long[] all = shared.addresses(Operation.COMBINE, x);
    meet(Operation.COMBINE, ENTRY);
    if (y.elements() > 0) {
      long tokens = y.shape().extent(0);
      long width = y.shape().rowElements();
      int packed = PeerKernels.packed(y.dtype(), width, CudaStorage.address(y), all);
      launch(
          PeerKernels.ofType("peer_combine", y.dtype(), packed),
          group.kernels().striding(tokens * WARP, THREADS),
          destinations(new Arguments().addresses(all), rows)
              .address(CudaStorage.address(y))
              .address(watch())
              .i64(tokens)
              .i32(rows.destinationRow().extent(1))
              .i64(width / packed));
    }
    meet(Operation.COMBINE, EXIT);
  }

  @Override
  public void combineScalars(Tensor x, RowTensors rows, Tensor y) {
    arguments.combineScalars(x, rows, y);
    group.countOperation();
    long[] all = shared.addresses(Operation.COMBINE_SCALARS, x);
    meet(Operation.COMBINE_SCALARS, ENTRY);
    if (y.elements() > 0) {
      launch(
          PeerKernels.ofType("peer_combine_scalars", y.dtype()),
          group.kernels().striding(y.elements(), THREADS),
          destinations(new Arguments().addresses(all), rows)
              .address(CudaStorage.address(y))
              .address(watch())
              .i64(y.elements()));
    }
    meet(Operation.COMBINE_SCALARS, EXIT);
  }

  @Override
  public void dispatchWeights(Tensor home, PlanTensors plan, Tensor slots) {
    arguments.slots(home, plan, slots);
    group.countOperation();
    if (slots.elements() == 0) {
      return;
    }
    long[] all = shared.addresses(Operation.DISPATCH_WEIGHTS, home);
    long expertBytes = home.shape().rowElements() * home.dtype().bytes();
    int word = PeerKernels.wordBytes(expertBytes, CudaStorage.address(slots), all);
    int slotsPerRank = slots.extent(0);
    meet(Operation.DISPATCH_WEIGHTS, ENTRY);
    launch(
        PeerKernels.ofWord("peer_dispatch_weights", word),
        beside(expertBytes / word, slotsPerRank),
        new Arguments()
            .addresses(all)
            .address(CudaStorage.address(plan.slotHome()))
            .address(CudaStorage.address(slots))
            .address(watch())
            .i32(rank())
            .i32(slotsPerRank)
            .i32(home.extent(0))
            .i64(expertBytes / word));
    meet(Operation.DISPATCH_WEIGHTS, EXIT);
  }

  /** Blocks for {@code parts} parts along y that leave room for compute. */
  private static Grid beside(long work, int parts) {
    long needed = (work + THREADS - 1) / THREADS;
    long most = Math.max(1, TRANSFER_BLOCKS / parts);
    return new Grid((int) Math.max(1, Math.min(needed, most)), parts, 1, THREADS);
  }

  @Override
  public void reduceSlotGradients(Tensor slots, PlanTensors plan, Tensor home) {
    arguments.slots(home, plan, slots);
    if (plan.slots() > PeerKernels.MAX_SLOTS) {
      throw new IllegalArgumentException(
          "a group may have " + PeerKernels.MAX_SLOTS + " slots, was " + plan.slots());
    }
    group.countOperation();
    if (slots.elements() == 0) {
      return;
    }
    long[] all = shared.addresses(Operation.REDUCE_SLOT_GRADIENTS, slots);
    meet(Operation.REDUCE_SLOT_GRADIENTS, ENTRY);
    if (home.elements() > 0) {
      long width = home.shape().rowElements();
      int packed = PeerKernels.packed(home.dtype(), width, CudaStorage.address(home), all);
      int localExperts = home.extent(0);
      launch(
          PeerKernels.ofType("peer_reduce_slots", home.dtype(), packed),
          group.kernels().striding(width / packed, THREADS, localExperts),
          new Arguments()
              .addresses(all)
              .address(CudaStorage.address(plan.slotHome()))
              .address(CudaStorage.address(home))
              .address(watch())
              .i32(rank())
              .i32(plan.slots())
              .i32(slots.extent(0))
              .i32(localExperts)
              .i64(width / packed));
    }
    meet(Operation.REDUCE_SLOT_GRADIENTS, EXIT);
  }

  /** Whether peers may use a buffer in this group. */
  boolean uses(CudaStorage storage) {
    return shared.contains(storage);
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
    }
    return unused;
  }
}
