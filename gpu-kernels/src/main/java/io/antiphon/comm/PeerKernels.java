package io.antiphon.comm;

import io.antiphon.device.Arguments;
import io.antiphon.device.Device;
import io.antiphon.device.Grid;
import io.antiphon.device.Kernel;
import io.antiphon.device.KernelModule;
import io.antiphon.device.KernelSource;
import io.antiphon.device.Kernels;
import io.antiphon.device.Stream;
import io.antiphon.tensor.DType;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Kernels of peer_*.cu, by the types they move and add. */
final class PeerKernels {
  /** Most slots of a group; their list is in shared memory. */
  static final int MAX_SLOTS = 4096;

  private static final int WIDE_BYTES = 16;
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
        int shared = name.startsWith("peer_reduce_slots") ? MAX_SLOTS * Integer.BYTES : 0;
        kernels.put(name, module.kernel(name, shared));
      }
    }
  }

  /** All files and kernels. */
  static List<KernelSource> sources() {
    List<String> meeting = new ArrayList<>(List.of("peer_meeting", "peer_guard"));
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

  /** The word in which elements of {@code bytes} bytes are moved one by one. */
  static String word(int bytes) {
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

  static String ofType(String kernel, DType dtype) {
    return kernel + "<" + type(dtype) + ">";
  }

  static String ofType(String kernel, DType dtype, int count) {
    return kernel + "<" + type(dtype) + ", " + count + ">";
  }

  static String ofType(String kernel, DType dtype, String join) {
    return kernel + "<" + type(dtype) + ", " + join + ">";
  }

  static String ofType(String kernel, DType dtype, String join, int count) {
    return kernel + "<" + type(dtype) + ", " + join + ", " + count + ">";
  }

  static String ofWord(String kernel, int bytes) {
    return kernel + "<" + word(bytes) + ">";
  }

  /** Enqueues a kernel by name. */
  void launch(Stream stream, String name, Grid grid, Arguments arguments) {
    Kernel kernel = kernels.get(name);
    if (kernel == null) {
      throw new IllegalArgumentException("there is no kernel " + name);
    }
    kernel.launch(stream, grid, arguments);
  }

  /** Blocks for a kernel that strides over {@code work}. */
  Grid striding(long work, int threads) {
    return Grid.striding(work, threads, device);
  }

  /** As {@link #striding}, for each of {@code parts} parts along y, all sharing the device. */
  Grid striding(long work, int threads, int parts) {
    Grid whole = Grid.striding(Math.multiplyExact(work, parts), threads, device);
    return new Grid(Math.max(1, whole.x() / parts), parts, 1, threads);
  }
}
