package io.antiphon.comm;

import io.antiphon.device.Arguments;
import io.antiphon.device.Device;
import io.antiphon.device.Grid;
import io.antiphon.device.Kernel;
import io.antiphon.device.KernelModule;
import io.antiphon.device.KernelSource;
import io.antiphon.device.Kernels;
import io.antiphon.device.Stream;
import io.antiphon.kernel.CudaStorage;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.RowTensors;
import io.antiphon.tensor.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Kernels of peer_*.cu, by the types they move and add. */
final class PeerKernels {
  /** Most slots of a group; their list is in shared memory. */
  static final int MAX_SLOTS = 4096;

  /** {@code peer_reduce_slots_shared_bytes} of the most slots. */
  static final int REDUCE_SLOTS_SHARED_BYTES = MAX_SLOTS * Integer.BYTES;

  private static final int WIDE_BYTES = 16;
  private static final int THREADS = 256;
  private static final int EXCHANGE_THREADS = 512;
  private static final int WARP = 32;

  /** Blocks of a transfer beside compute: enough for the links, few enough to leave room. */
  private static final int TRANSFER_BLOCKS = 128;

  private static final List<DType> SUMMED =
      List.of(DType.F64, DType.F32, DType.BF16, DType.I32, DType.I64);
  private static final List<DType> FLOATING = List.of(DType.F64, DType.F32, DType.BF16);
  private static final List<String> MOVED = List.of("uint16", "uint32", "uint64", "uint4");

  private final Device device;
  private final Map<String, Kernel> kernels = new HashMap<>();

  PeerKernels(Kernels loader) {
    device = loader.device();
    for (KernelSource source : sources()) {
      KernelModule module = loader.load(source);
      for (String name : source.names()) {
        int shared = name.startsWith("peer_reduce_slots") ? REDUCE_SLOTS_SHARED_BYTES : 0;
        kernels.put(name, module.kernel(name, shared));
      }
    }
  }

  /** Fails if a group has more slots than the kernels of slots take. */
  static void requireSlots(Tensor slotHome) {
    if (slotHome.elements() > MAX_SLOTS) {
      throw new IllegalArgumentException(
          "slots of a group must be at most " + MAX_SLOTS + ", were " + slotHome.elements());
    }
  }

  /** All files and kernels. */
  static List<KernelSource> sources() {
    List<String> meeting =
        new ArrayList<>(List.of("peer_meeting", "peer_wait_begins", "peer_wait_ends"));
    List<String> tensors = new ArrayList<>();
    List<String> rows = new ArrayList<>();
    List<String> experts = new ArrayList<>();
    for (String word : MOVED) {
      meeting.add("peer_exchange_gather<" + word + ">");
      tensors.add("peer_gather<" + word + ">");
      rows.add("peer_dispatch<" + word + ">");
      rows.add("peer_dispatch_scalars<" + word + ">");
      experts.add("peer_dispatch_weights<" + word + ">");
    }
    for (DType dtype : SUMMED) {
      String type = type(dtype);
      for (String join : dtype.isFloating() ? List.of("SumOf") : List.of("SumOf", "MaxOf")) {
        meeting.add("peer_exchange_reduce<" + type + ", " + join + ">");
        for (int count : counts(dtype)) {
          tensors.add("peer_reduce<" + type + ", " + join + ", " + count + ">");
        }
      }
    }
    for (DType dtype : FLOATING) {
      String type = type(dtype);
      rows.add("peer_combine_scalars<" + type + ">");
      for (int count : counts(dtype)) {
        rows.add("peer_combine<" + type + ", " + count + ">");
        experts.add("peer_reduce_slots<" + type + ", " + count + ">");
      }
    }
    return List.of(
        source("peer_meeting.cu", meeting),
        source("peer_tensors.cu", tensors),
        source("peer_rows.cu", rows),
        source("peer_experts.cu", experts));
  }

  private static KernelSource source(String file, List<String> names) {
    return new KernelSource(file, names, KernelSource.Target.PORTABLE);
  }

  private static List<Integer> counts(DType dtype) {
    return List.of(WIDE_BYTES / dtype.bytes(), 1);
  }

  private static String type(DType dtype) {
    return switch (dtype) {
      case F64 -> "double";
      case F32 -> "float";
      case BF16 -> "bf16";
      case I32 -> "int";
      case I64 -> "int64";
    };
  }

  private static String word(int bytes) {
    return switch (bytes) {
      case 2 -> "uint16";
      case 4 -> "uint32";
      case 8 -> "uint64";
      case WIDE_BYTES -> "uint4";
      default -> throw new IllegalArgumentException("no word has " + bytes + " bytes");
    };
  }

  /** Largest word in which rows of {@code rowBytes} bytes at these addresses can be moved. */
  static int wordBytes(long rowBytes, long address, long... peers) {
    return (int) Math.min(WIDE_BYTES, Long.lowestOneBit(together(rowBytes, address, peers)));
  }

  /** Values taken at once from rows of {@code rowElements} at these addresses: many, or one. */
  static int packed(DType dtype, long rowElements, long address, long... peers) {
    long bytes = together(rowElements * dtype.bytes(), address, peers);
    return bytes % WIDE_BYTES == 0 ? WIDE_BYTES / dtype.bytes() : 1;
  }

  private static long together(long rowBytes, long address, long... peers) {
    long all = rowBytes | address | WIDE_BYTES;
    for (long peer : peers) {
      all |= peer; // unused entries are 0
    }
    return all;
  }

  /**
   * A group as kernels take it.
   *
   * @param watch device address of its {@link Watch}
   */
  record Place(int rank, int ranks, long watch) {}

  /** Comes to a meeting; {@code meeting} are the arguments of all kernels that meet. */
  void meet(Stream stream, Arguments meeting, int phase) {
    launch(stream, "peer_meeting", Grid.of(1, ControlBlock.MAX_RANKS), meeting.i32(phase));
  }

  /**
   * Tells the host that what follows waits for the other ranks; {@code wait} as NcclWait has it.
   */
  void waitBegins(Stream stream, long wait, Operation operation) {
    Arguments arguments = new Arguments().address(wait).i32(operation.number());
    launch(stream, "peer_wait_begins", Grid.of(1, 1), arguments);
  }

  /** Tells the host that the wait is over. If the host has given the group up, marks it lost. */
  void waitEnds(Stream stream, long watch, long wait) {
    Arguments arguments = new Arguments().address(watch).address(wait);
    launch(stream, "peer_wait_ends", Grid.of(1, 1), arguments);
  }

  /** Gathers a small tensor in one meeting. */
  void exchangeGather(Stream stream, Arguments meeting, Tensor in, Tensor out) {
    launch(
        stream,
        "peer_exchange_gather<" + word(in.dtype().bytes()) + ">",
        Grid.of(1, EXCHANGE_THREADS),
        meeting
            .address(CudaStorage.address(in))
            .address(CudaStorage.address(out))
            .i32((int) in.elements()));
  }

  /** Reduces a small tensor in one meeting. */
  void exchangeReduce(Stream stream, Arguments meeting, String join, Tensor tensor) {
    launch(
        stream,
        "peer_exchange_reduce<" + type(tensor.dtype()) + ", " + join + ">",
        Grid.of(1, EXCHANGE_THREADS),
        meeting.address(CudaStorage.address(tensor)).i32((int) tensor.elements()));
  }

  /** Copies {@code bytes} from each rank to {@code out}, rank by rank. */
  void gather(Stream stream, Place place, long[] in, long out, long bytes) {
    int word = wordBytes(bytes, out, in);
    launch(
        stream,
        "peer_gather<" + word(word) + ">",
        striding(bytes / word, place.ranks()),
        new Arguments()
            .addresses(in)
            .i32(place.rank())
            .i32(place.ranks())
            .address(place.watch())
            .address(out)
            .i64(bytes / word));
  }

  /**
   * Reduces elements {@code [first, first + count)} of tensors of {@code elements}, on all ranks.
   */
  void reduce(
      Stream stream,
      Place place,
      DType dtype,
      String join,
      long[] tensor,
      long first,
      long count,
      long elements) {
    int packed = packed(dtype, WIDE_BYTES, 0, tensor);
    launch(
        stream,
        "peer_reduce<" + type(dtype) + ", " + join + ", " + packed + ">",
        striding(Math.max(1, count / packed), 1),
        new Arguments()
            .addresses(tensor)
            .i32(place.rank())
            .i32(place.ranks())
            .address(place.watch())
            .i64(first)
            .i64(count)
            .i64(elements));
  }

  /**
   * Where assignments go.
   *
   * @param rank device address of I32 {@code [tokens, topK]}
   * @param row as rank
   */
  record Destinations(long rank, long row, long tokens, int topK) {
    static Destinations of(RowTensors rows) {
      return new Destinations(
          CudaStorage.address(rows.destinationRank()),
          CudaStorage.address(rows.destinationRow()),
          rows.destinationRow().shape().extent(0),
          rows.destinationRow().extent(1));
    }
  }

  /** Rows of {@code rowBytes} at {@code x} to their places; ranks of address 0 get none. */
  void dispatch(Stream stream, Place place, long x, Destinations to, long[] out, long rowBytes) {
    int word = wordBytes(rowBytes, x, out);
    launch(
        stream,
        "peer_dispatch<" + word(word) + ">",
        striding(to.tokens() * WARP, 1),
        new Arguments()
            .address(x)
            .address(to.rank())
            .address(to.row())
            .addresses(out)
            .address(place.watch())
            .i64(to.tokens())
            .i32(to.topK())
            .i64(rowBytes / word));
  }

  /** One number of {@code bytes} bytes per assignment. */
  void dispatchScalars(Stream stream, Place place, long x, Destinations to, long[] out, int bytes) {
    long assignments = to.tokens() * to.topK();
    launch(
        stream,
        "peer_dispatch_scalars<" + word(bytes) + ">",
        striding(assignments, 1),
        new Arguments()
            .address(x)
            .address(to.rank())
            .address(to.row())
            .addresses(out)
            .address(place.watch())
            .i64(assignments));
  }

  /** Sums of the rows that tokens went to. */
  void combine(Stream stream, Place place, long[] x, Destinations from, Tensor y) {
    long width = y.shape().rowElements();
    int packed = packed(y.dtype(), width, CudaStorage.address(y), x);
    launch(
        stream,
        "peer_combine<" + type(y.dtype()) + ", " + packed + ">",
        striding(from.tokens() * WARP, 1),
        new Arguments()
            .addresses(x)
            .address(from.rank())
            .address(from.row())
            .address(CudaStorage.address(y))
            .address(place.watch())
            .i64(from.tokens())
            .i32(from.topK())
            .i64(width / packed));
  }

  /** The numbers that assignments went to. */
  void combineScalars(Stream stream, Place place, long[] x, Destinations from, Tensor y) {
    launch(
        stream,
        "peer_combine_scalars<" + type(y.dtype()) + ">",
        striding(y.elements(), 1),
        new Arguments()
            .addresses(x)
            .address(from.rank())
            .address(from.row())
            .address(CudaStorage.address(y))
            .address(place.watch())
            .i64(y.elements()));
  }

  /** Weights from their homes to this rank's slots. */
  void dispatchWeights(
      Stream stream, Place place, long[] home, int localExperts, Tensor slotHome, Tensor slots) {
    long expertBytes = slots.shape().rowElements() * slots.dtype().bytes();
    int word = wordBytes(expertBytes, CudaStorage.address(slots), home);
    int slotsPerRank = slots.extent(0);
    long needed = (expertBytes / word + THREADS - 1) / THREADS;
    long most = Math.max(1, TRANSFER_BLOCKS / slotsPerRank);
    launch(
        stream,
        "peer_dispatch_weights<" + word(word) + ">",
        new Grid((int) Math.max(1, Math.min(needed, most)), slotsPerRank, 1, THREADS),
        new Arguments()
            .addresses(home)
            .address(CudaStorage.address(slotHome))
            .address(CudaStorage.address(slots))
            .address(place.watch())
            .i32(place.rank())
            .i32(slotsPerRank)
            .i32(localExperts)
            .i64(expertBytes / word));
  }

  /** Gradients from the slots to this rank's experts. */
  void reduceSlots(
      Stream stream, Place place, long[] slots, int slotsPerRank, Tensor slotHome, Tensor home) {
    long width = home.shape().rowElements();
    int packed = packed(home.dtype(), width, CudaStorage.address(home), slots);
    launch(
        stream,
        "peer_reduce_slots<" + type(home.dtype()) + ", " + packed + ">",
        striding(width / packed, home.extent(0)),
        new Arguments()
            .addresses(slots)
            .address(CudaStorage.address(slotHome))
            .address(CudaStorage.address(home))
            .address(place.watch())
            .i32(place.rank())
            .i32(slotHome.extent(0))
            .i32(slotsPerRank)
            .i32(home.extent(0))
            .i64(width / packed));
  }

  private void launch(Stream stream, String name, Grid grid, Arguments arguments) {
    Kernel kernel = kernels.get(name);
    if (kernel == null) {
      throw new IllegalArgumentException("there is no kernel " + name);
    }
    kernel.launch(stream, grid, arguments);
  }

  /** Blocks that stride over {@code work}, for each of {@code parts} parts along y. */
  private Grid striding(long work, int parts) {
    Grid whole = Grid.striding(Math.multiplyExact(work, parts), THREADS, device);
    return new Grid(Math.max(1, whole.x() / parts), parts, 1, THREADS);
  }
}
