package io.antiphon.kernel;

import io.antiphon.device.Event;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.ExpertWeights;
import io.antiphon.tensor.HostValues;
import io.antiphon.tensor.Ops;
import io.antiphon.tensor.Shape;
import io.antiphon.tensor.StepGraph;
import io.antiphon.tensor.Storage;
import io.antiphon.tensor.Tensor;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;

/**
 * Times the grouped GEMMs of one expert layer at the shapes and row counts of the PyTorch peer: the
 * argument is the file of what {@code torch_peer.py} printed in the same run. Both projections
 * together, by graph replay, the median over three seconds: the card's clock falls in the first
 * one.
 */
public final class GroupedGemmBenchmark {
  private static final double WARM_UP_SECONDS = 0.5;
  private static final double MEASURED_SECONDS = 3;

  /** Replays between two events, so that the host does not show. */
  private static final int REPLAYS = 4;

  private final CudaBackend backend;
  private final Ops ops;
  private final List<Storage> storages = new ArrayList<>();

  private GroupedGemmBenchmark(CudaBackend backend) {
    this.backend = backend;
    this.ops = backend.ops();
  }

  /** Prints a table; see the class. */
  public static void main(String[] arguments) {
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    PrintStream err = new PrintStream(System.err, true, StandardCharsets.UTF_8);
    System.exit(PeerLine.run("grouped-gemm", arguments, GroupedGemmBenchmark::run, out, err));
  }

  private static void run(List<PeerLine> lines, PrintStream out) {
    try (CudaBackend backend = CudaBackend.open(0, DType.BF16, TestDevices.kernelCache())) {
      out.println(backend.description());
      out.println("shape skew | fprop ms TFLOP/s of peer | dgrad | wgrad | wgrad added");
      for (PeerLine line : lines) {
        new GroupedGemmBenchmark(backend).run(line, out);
      }
    }
  }

  private void run(PeerLine line, PrintStream out) {
    int[] counts = line.counts();
    int hidden = line.integer("hidden");
    int ffn = line.integer("ffn");
    long rows = Arrays.stream(counts).sum();
    Tensor rowCounts = tensor(DType.I32, counts.length);
    new HostValues(backend.hostIo()).write(rowCounts, counts);
    Tensor x = random(rows, hidden);
    Tensor gateUp = random(rows, 2L * ffn);
    Tensor activated = random(rows, ffn);
    Tensor y = tensor(DType.BF16, rows, hidden);
    ExpertWeights fc1 = weights(DType.BF16, counts.length, 2L * ffn, hidden);
    ExpertWeights fc2 = weights(DType.BF16, counts.length, hidden, ffn);
    ExpertWeights fc1Gradient = weights(DType.F32, counts.length, 2L * ffn, hidden);
    ExpertWeights fc2Gradient = weights(DType.F32, counts.length, hidden, ffn);
    double flop = 2.0 * rows * 3 * hidden * ffn;
    StringBuilder text = new StringBuilder(line.title());
    report(
        text,
        line,
        "fprop",
        flop,
        () -> {
          ops.groupedGemm(x, fc1, rowCounts, gateUp);
          ops.groupedGemm(activated, fc2, rowCounts, y);
        });
    report(
        text,
        line,
        "dgrad",
        flop,
        () -> {
          ops.groupedGemmDgrad(gateUp, fc1, rowCounts, y);
          ops.groupedGemmDgrad(x, fc2, rowCounts, activated);
        });
    report(
        text,
        line,
        "wgrad",
        flop,
        () -> {
          ops.groupedGemmWgrad(x, gateUp, rowCounts, false, fc1Gradient);
          ops.groupedGemmWgrad(activated, x, rowCounts, false, fc2Gradient);
        });
    report(
        text,
        line,
        "wgrad_added",
        flop,
        () -> {
          ops.groupedGemmWgrad(x, gateUp, rowCounts, true, fc1Gradient);
          ops.groupedGemmWgrad(activated, x, rowCounts, true, fc2Gradient);
        });
    out.println(text);
    storages.forEach(backend::free);
  }

  private void report(StringBuilder text, PeerLine line, String key, double flop, Runnable work) {
    double milliseconds = median(work);
    double ofPeer = line.measured(key + "_ms").orElse(Double.NaN) / milliseconds;
    text.append(
        String.format(
            Locale.ROOT,
            " | %.3f %.0f %.0f%%",
            milliseconds,
            flop / milliseconds / 1e9,
            100 * ofPeer));
  }

  private double median(Runnable work) {
    List<Double> times = new ArrayList<>();
    try (StepGraph graph = backend.record(work);
        Event start = backend.device().timingEvent();
        Event end = backend.device().timingEvent()) {
      long begin = System.nanoTime();
      double elapsed = 0;
      while (elapsed < WARM_UP_SECONDS + MEASURED_SECONDS) {
        backend.computeLane().stream().record(start);
        for (int i = 0; i < REPLAYS; i++) {
          graph.replay();
        }
        backend.computeLane().stream().record(end);
        end.await();
        elapsed = (System.nanoTime() - begin) / 1e9;
        if (elapsed > WARM_UP_SECONDS) {
          times.add((double) end.millisecondsSince(start) / REPLAYS);
        }
      }
    }
    Collections.sort(times);
    return times.get(times.size() / 2);
  }

  private Tensor tensor(DType dtype, long... extents) {
    Shape shape = Shape.of(extents);
    Storage storage = backend.allocate("benchmark", dtype, shape.elements());
    storages.add(storage);
    return Tensor.of(storage, shape);
  }

  /** Normal numbers, a block of them repeated: as random to the device as any. */
  private Tensor random(long... extents) {
    Tensor tensor = tensor(DType.BF16, extents);
    int block = (int) Math.min(tensor.elements(), (1 << 20) + 7);
    SplittableRandom random = new SplittableRandom(tensor.elements());
    double[] values = new double[block];
    for (int i = 0; i < block; i++) {
      double radius = Math.sqrt(-2 * Math.log(1 - random.nextDouble()));
      values[i] = 0.05 * radius * Math.cos(2 * Math.PI * random.nextDouble());
    }
    Tensor first = tensor.range(0, block);
    new HostValues(backend.hostIo()).write(first, values);
    for (long at = block; at < tensor.elements(); at += block) {
      long length = Math.min(block, tensor.elements() - at);
      ops.copy(first.range(0, length), tensor.range(at, length));
    }
    return tensor;
  }

  private ExpertWeights weights(DType dtype, int experts, long out, long in) {
    Tensor home = dtype == DType.BF16 ? random(experts, out, in) : tensor(dtype, experts, out, in);
    return new ExpertWeights(home, tensor(dtype, 0, out, in));
  }
}
