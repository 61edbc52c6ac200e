package io.antiphon.comm;

import io.antiphon.comm.PeerKernels.Destinations;
import io.antiphon.comm.PeerKernels.Place;
import io.antiphon.device.Stream;
import io.antiphon.kernel.CudaLane;
import io.antiphon.kernel.CudaStorage;
import io.antiphon.tensor.Collectives;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.PlanTensors;
import io.antiphon.tensor.RowTensors;
import io.antiphon.tensor.Tensor;

/**
 * One group on one lane, through NCCL: what peer memory would read from a peer is first gathered
 * from all ranks into scratch memory, whose parts then stand for the peers. Sizes never depend on
 * data. Right on any network, but moves more than needed: all rows of all ranks to combine them,
 * all home experts to fill the slots. All ranks must have equally many tokens.
 */
final class NcclCollectives implements Collectives {
  private static final long ALIGNMENT = 256;

  /** Below this every rank gathers and reduces everything. */
  private static final long SMALL_BYTES = 1 << 16;

  private final NcclGroup group;
  private final NcclGroup.Communicator communicator;
  private final CudaLane lane;
  private final CollectiveArguments arguments;
  private final PeerKernels kernels;
  private final Place place;
  private final Place alone;

  NcclCollectives(NcclGroup group, NcclGroup.Communicator communicator, CudaLane lane) {
    this.group = group;
    this.communicator = communicator;
    this.lane = lane;
    Members members = communicator.members();
    arguments = new CollectiveArguments(members.ranks());
    kernels = group.kernels();
    place = new Place(members.rank(), members.ranks(), group.watch().address());
    alone = new Place(0, 1, group.watch().address());
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

  /** Gathers a tensor of every rank; where each lies. */
  private long[] fetch(Tensor tensor) {
    long bytes = bytes(tensor);
    if (ranks() == 1) {
      return only(0, CudaStorage.address(tensor));
    }
    long all = stream().scratch(bytes * ranks());
    communicator.allGather(stream(), CudaStorage.address(tensor), all, bytes);
    return parts(all, bytes);
  }

  @Override
  public void allGather(Tensor in, Tensor out) {
    arguments.allGather(in, out);
    group.countOperation();
    if (in.elements() > 0) {
      communicator.allGather(
          stream(), CudaStorage.address(in), CudaStorage.address(out), bytes(in));
    }
  }

  @Override
  public void allReduceSum(Tensor tensor) {
    group.countOperation();
    reduce("SumOf", tensor);
  }

  @Override
  public void allReduceMax(Tensor tensor) {
    arguments.allReduceMax(tensor);
    group.countOperation();
    reduce("MaxOf", tensor);
  }

  private void reduce(String join, Tensor tensor) {
    if (ranks() == 1 || tensor.elements() == 0) {
      return;
    }
    if (bytes(tensor) <= SMALL_BYTES) {
      long[] all = fetch(tensor);
      long elements = tensor.elements();
      kernels.reduce(stream(), place, tensor.dtype(), join, all, 0, elements, elements);
      copy(all[0], CudaStorage.address(tensor), bytes(tensor));
    } else {
      reduceByParts(join, tensor);
    }
  }

  /** Every rank reduces its part of the elements, and gathers the parts of the others. */
  private void reduceByParts(String join, Tensor tensor) {
    DType dtype = tensor.dtype();
    long bytes = bytes(tensor);
    long partBytes = aligned((bytes + ranks() - 1) / ranks());
    long whole = partBytes * ranks();
    long sent = stream().scratch(2 * whole);
    long received = sent + whole;
    copy(CudaStorage.address(tensor), sent, bytes);
    communicator.allToAll(stream(), sent, received, partBytes);
    long elements = partBytes / dtype.bytes();
    long[] parts = parts(received, partBytes);
    kernels.reduce(stream(), place, dtype, join, parts, 0, elements, elements);
    communicator.allGather(stream(), received, sent, partBytes);
    copy(sent, CudaStorage.address(tensor), bytes);
  }

  private void copy(long from, long to, long bytes) {
    kernels.gather(stream(), alone, only(0, from), to, bytes);
  }

  @Override
  public void dispatch(Tensor x, RowTensors rows, Tensor out) {
    arguments.dispatch(x, rows, out);
    group.countOperation();
    if (x.elements() > 0 && out.elements() > 0) {
      scatter(x, rows, out, false);
    }
  }

  @Override
  public void dispatchScalars(Tensor x, RowTensors rows, Tensor out) {
    arguments.dispatchScalars(x, rows, out);
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
    communicator.allGather(stream(), CudaStorage.address(x), allX, xBytes);
    communicator.allGather(stream(), own.rank(), allRanks, destinationBytes);
    communicator.allGather(stream(), own.row(), allRows, destinationBytes);
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
    arguments.combine(x, rows, y);
    group.countOperation();
    if (y.elements() > 0) {
      kernels.combine(stream(), place, fetch(x), Destinations.of(rows), y);
    }
  }

  @Override
  public void combineScalars(Tensor x, RowTensors rows, Tensor y) {
    arguments.combineScalars(x, rows, y);
    group.countOperation();
    if (y.elements() > 0) {
      kernels.combineScalars(stream(), place, fetch(x), Destinations.of(rows), y);
    }
  }

  @Override
  public void dispatchWeights(Tensor home, PlanTensors plan, Tensor slots) {
    arguments.slots(home, plan, slots);
    group.countOperation();
    if (slots.elements() > 0 && home.elements() > 0) {
      kernels.dispatchWeights(stream(), place, fetch(home), home.extent(0), plan, slots);
    }
  }

  @Override
  public void reduceSlotGradients(Tensor slots, PlanTensors plan, Tensor home) {
    arguments.slots(home, plan, slots);
    group.countOperation();
    if (slots.elements() > 0 && home.elements() > 0) {
      kernels.reduceSlots(stream(), place, fetch(slots), slots.extent(0), plan, home);
    }
  }
}
