package io.antiphon.comm;

import io.antiphon.comm.PeerKernels.Destinations;
import io.antiphon.comm.PeerKernels.Place;
import io.antiphon.device.Stream;
import io.antiphon.kernel.CudaLane;
import io.antiphon.kernel.CudaStorage;
import io.antiphon.tensor.Collectives;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.RowTensors;
import io.antiphon.tensor.Tensor;
import io.antiphon.transport.Members;

/**
 * One group on one lane, through NCCL: what peer memory would read from a peer is first gathered
 * from all ranks into scratch memory, whose parts then stand for the peers. Sizes never depend on
 * data. Right on any network, but moves more than needed: all rows of all ranks to combine them,
 * all home experts to fill the slots. All ranks must have equally many tokens.
 */
final class NcclCollectives implements Collectives {
  private static final long ALIGNMENT = 256;

  /** Size below which every rank gathers and reduces everything. */
  private static final long SMALL_BYTES = 1 << 16;

  /** What a large reduction takes at once. */
  private static final long PIECE_BYTES = 64L << 20;

  private final NcclGroup group;
  private final NcclCommunicator communicator;
  private final CudaLane lane;
  private final PeerKernels kernels;
  private final Place place;
  private final long wait;

  /**
   * @param wait device address of what {@link NcclWait} reads
   */
  NcclCollectives(NcclGroup group, NcclCommunicator communicator, CudaLane lane, long wait) {
    this.group = group;
    this.communicator = communicator;
    this.lane = lane;
    this.wait = wait;
    Members members = communicator.members();
    kernels = group.kernels();
    place = new Place(members.rank(), members.ranks(), group.watch().address());
  }

  @Override
  public int rank() {
    return place.rank();
  }

  @Override
  public int ranks() {
    return place.ranks();
  }

  private Stream stream() {
    return lane.stream();
  }

  private static long bytes(Tensor tensor) {
    return tensor.elements() * tensor.dtype().bytes();
  }

  private static long aligned(long bytes) {
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }

  /** The parts of {@code partBytes} bytes at {@code first}, one per rank. */
  private long[] parts(long first, long partBytes) {
    long[] parts = new long[ControlBlock.MAX_RANKS];
    for (int rank = 0; rank < ranks(); rank++) {
      parts[rank] = first + rank * partBytes;
    }
    return parts;
  }

  private static long[] only(int rank, long address) {
    long[] addresses = new long[ControlBlock.MAX_RANKS];
    addresses[rank] = address;
    return addresses;
  }

  /** Makes calls of NCCL, whose kernels wait for the other ranks. */
  private void await(Operation operation, Runnable calls) {
    kernels.waitBegins(stream(), wait, operation);
    calls.run();
    kernels.waitEnds(stream(), place.watch(), wait);
  }

  /** Gathers a tensor of every rank; where each lies, this rank's where it was. */
  private long[] fetch(Operation operation, Tensor tensor) {
    return fetch(operation, CudaStorage.address(tensor), bytes(tensor));
  }

  private long[] fetch(Operation operation, long address, long bytes) {
    if (ranks() == 1) {
      return only(0, address);
    }
    long all = stream().scratch(bytes * ranks());
    await(operation, () -> communicator.allGather(stream(), address, all, bytes));
    long[] parts = parts(all, bytes);
    parts[rank()] = address;
    return parts;
  }

  @Override
  public void allGather(Tensor in, Tensor out) {
    group.countOperation();
    if (in.elements() > 0) {
      long[] all = fetch(Operation.ALL_GATHER, in);
      kernels.gather(stream(), place, all, CudaStorage.address(out), bytes(in));
    }
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

  /**
   * Reduces in pieces, so that scratch memory stays small. Every rank reduces its part of a piece,
   * and gathers the parts of the others. Every rank reduces the rest that does not split evenly.
   */
  private void reduce(Operation operation, String join, Tensor tensor) {
    long bytes = bytes(tensor);
    if (ranks() == 1 || bytes == 0) {
      return;
    }
    long address = CudaStorage.address(tensor);
    long even = ranks() * ALIGNMENT;
    long split = bytes <= SMALL_BYTES ? 0 : bytes / even * even;
    long piece = PIECE_BYTES / even * even;
    for (long done = 0; done < split; done += piece) {
      reduceByParts(operation, join, tensor.dtype(), address + done, Math.min(piece, split - done));
    }
    if (split < bytes) {
      reduceOnAll(operation, join, tensor.dtype(), address + split, bytes - split);
    }
  }

  private void reduceByParts(
      Operation operation, String join, DType dtype, long address, long bytes) {
    long partBytes = bytes / ranks();
    long received = stream().scratch(bytes);
    await(operation, () -> communicator.allToAll(stream(), address, received, partBytes));
    long elements = partBytes / dtype.bytes();
    long[] parts = parts(received, partBytes);
    kernels.reduce(stream(), place, dtype, join, parts, 0, elements, elements);
    long own = parts[rank()];
    await(operation, () -> communicator.allGather(stream(), own, address, partBytes));
  }

  private void reduceOnAll(
      Operation operation, String join, DType dtype, long address, long bytes) {
    long[] all = fetch(operation, address, bytes);
    long elements = bytes / dtype.bytes();
    kernels.reduce(stream(), place, dtype, join, all, 0, elements, elements);
  }

  @Override
  public void dispatch(Tensor x, RowTensors rows, Tensor out) {
    group.countOperation();
    if (x.elements() > 0 && out.elements() > 0) {
      scatter(x, rows, out, false);
    }
  }

  @Override
  public void dispatchScalars(Tensor x, RowTensors rows, Tensor out) {
    group.countOperation();
    if (x.elements() > 0 && out.elements() > 0) {
      scatter(x, rows, out, true);
    }
  }

  /** Every rank gets all tokens and destinations, and keeps what is for it. */
  private void scatter(Tensor x, RowTensors rows, Tensor out, boolean scalars) {
    long xBytes = bytes(x);
    Destinations own = Destinations.of(rows);
    long destinationBytes = own.tokens() * own.topK() * Integer.BYTES;
    long xAll = aligned(xBytes * ranks());
    long destinationsAll = aligned(destinationBytes * ranks());
    long allX = stream().scratch(xAll + 2 * destinationsAll);
    long allRanks = allX + xAll;
    long allRows = allRanks + destinationsAll;
    await(
        scalars ? Operation.DISPATCH_SCALARS : Operation.DISPATCH,
        () -> {
          communicator.allGather(stream(), CudaStorage.address(x), allX, xBytes);
          communicator.allGather(stream(), own.rank(), allRanks, destinationBytes);
          communicator.allGather(stream(), own.row(), allRows, destinationBytes);
        });
    long[] here = only(rank(), CudaStorage.address(out));
    for (int source = 0; source < ranks(); source++) {
      Destinations to =
          new Destinations(
              allRanks + source * destinationBytes,
              allRows + source * destinationBytes,
              own.tokens(),
              own.topK());
      long from = allX + source * xBytes;
      if (scalars) {
        kernels.dispatchScalars(stream(), place, from, to, here, x.dtype().bytes());
      } else {
        long rowBytes = x.shape().rowElements() * x.dtype().bytes();
        kernels.dispatch(stream(), place, from, to, here, rowBytes);
      }
    }
  }

  @Override
  public void combine(Tensor x, RowTensors rows, Tensor y) {
    group.countOperation();
    if (y.elements() > 0) {
      kernels.combine(stream(), place, fetch(Operation.COMBINE, x), Destinations.of(rows), y);
    }
  }

  @Override
  public void combineScalars(Tensor x, RowTensors rows, Tensor y) {
    group.countOperation();
    if (y.elements() > 0) {
      long[] all = fetch(Operation.COMBINE_SCALARS, x);
      kernels.combineScalars(stream(), place, all, Destinations.of(rows), y);
    }
  }

  @Override
  public void dispatchWeights(Tensor home, Tensor slotHome, Tensor slots) {
    PeerKernels.requireSlots(slotHome);
    group.countOperation();
    if (slots.elements() > 0 && home.elements() > 0) {
      long[] all = fetch(Operation.DISPATCH_WEIGHTS, home);
      kernels.dispatchWeights(stream(), place, all, home.extent(0), slotHome, slots);
    }
  }

  @Override
  public void reduceSlotGradients(Tensor slots, Tensor slotHome, Tensor home) {
    PeerKernels.requireSlots(slotHome);
    group.countOperation();
    if (slots.elements() > 0 && home.elements() > 0) {
      long[] all = fetch(Operation.REDUCE_SLOT_GRADIENTS, slots);
      kernels.reduceSlots(stream(), place, all, slots.extent(0), slotHome, home);
    }
  }
}
