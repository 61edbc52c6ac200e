package io.antiphon.model;

import io.antiphon.device.Event;
import io.antiphon.device.Stream;
import io.antiphon.kernel.CudaBackend;
import io.antiphon.kernel.PeerLine;
import io.antiphon.tensor.Arena;
import io.antiphon.tensor.Backend;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.HostValues;
import io.antiphon.tensor.Ops;
import io.antiphon.tensor.Routing;
import io.antiphon.tensor.ScoreFunction;
import io.antiphon.tensor.StepGraph;
import io.antiphon.tensor.Tensor;
import io.antiphon.transport.ThreadTransport;
import io.antiphon.transport.Transport;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Times one mixture-of-experts layer of one rank at the shapes of the PyTorch peer: the argument is
 * the file of what {@code torch_peer.py} printed in the same run. Weights, input and offsets of the
 * logits are drawn as the peer draws them, so that loads are alike. Forward, and forward with
 * backward, are one graph each; then both once more without a graph, with a look at the clock
 * between any two operations, to see where the time goes. Weight gradients are written, as in the
 * first micro-batch of a step.
 */
public final class MoeLayerBenchmark {
  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final int REPEATS = 15;
  private static final int WARM_UP = 3;
  private static final int LONGEST_SEQUENCE = 4096;
  private static final int BLOCK = (1 << 20) + 7;

  /**
   * A layer and its routing.
   *
   * @param skew the expert in place p, from 1 on, has {@code -skew * log(p)} added to its logits
   */
  record Size(int tokens, int hidden, int ffn, int experts, int topK, double skew) {
    static Size of(PeerLine line) {
      return new Size(
          line.integer("tokens"),
          line.integer("hidden"),
          line.integer("ffn"),
          line.integer("experts"),
          line.integer("top_k"),
          line.number("skew"));
    }

    /** On one rank every assignment is a row of it, however uneven the experts are. */
    long rows() {
      return (long) tokens * topK;
    }

    /** Operations of forward and backward: the latter has two products for each of the former's. */
    double flop() {
      return 3 * 2.0 * rows() * 3 * hidden * ffn;
    }

    ModelOptions model() {
      Routing routing = new Routing(topK, ScoreFunction.SOFTMAX_OF_CHOSEN);
      RouterOptions router = new RouterOptions(routing, 0.001, 0.001, 0, skew);
      return new ModelOptions(
          1,
          0,
          batch().sequenceLength(),
          1,
          0,
          hidden,
          1,
          1e-5,
          true,
          false,
          Optional.empty(),
          new InitialWeights(0, 1),
          new MoeOptions(experts, ffn, 0, router, EchoOptions.NONE));
    }

    BatchOptions batch() {
      int sequence = tokens % LONGEST_SEQUENCE == 0 ? LONGEST_SEQUENCE : tokens;
      return new BatchOptions(tokens / sequence, tokens / sequence, 1, sequence);
    }
  }

  /** Milliseconds of several repetitions. */
  record Times(double fastest, double median, double slowest) {}

  /** All calls of one operation in forward and backward. */
  record Part(String operation, int calls, double milliseconds) {}

  /**
   * What was measured.
   *
   * @param maxOverMean rows of the busiest expert over those of the average one
   * @param memoryBytes of the model state with its optimizer, and of the activations
   */
  record Result(
      double maxOverMean, Times forward, Times both, List<Part> parts, long memoryBytes) {}

  /** Measures how long the device takes for what is enqueued. */
  interface Stopwatch {
    /** Runs all of {@code work} without a pause; returns the milliseconds that each took. */
    double[] milliseconds(List<Runnable> work);
  }

  private final ModelState state;
  private final Backend backend;
  private final Ops ops;
  private final HostValues values;
  private final Size size;
  private final Stopwatch stopwatch;
  private final TracedCalls calls = new TracedCalls();
  private final SlotPool slots;
  private final MoeLayer layer;
  private final Tensor statistics;
  private final Tensor x;
  private final Tensor y;
  private final Tensor dY;
  private final Tensor dX;

  private MoeLayerBenchmark(
      ModelState state, Groups groups, Arena arena, Size size, Stopwatch stopwatch) {
    this.state = state;
    this.backend = state.backend();
    this.ops = backend.ops();
    this.values = new HostValues(backend.hostIo());
    this.size = size;
    this.stopwatch = stopwatch;
    ModelOptions model = state.options();
    StepContext context =
        new StepContext(
            calls.traced(backend),
            calls.traced(groups),
            arena,
            model,
            size.batch(),
            size.rows(),
            false,
            state.step(),
            Optional.empty());
    Buffers buffers = new Buffers(context, "benchmark");
    DType real = backend.computeType();
    x = buffers.kept("x", real, size.tokens, size.hidden);
    y = buffers.kept("y", real, size.tokens, size.hidden);
    dY = buffers.kept("d-y", real, size.tokens, size.hidden);
    dX = buffers.kept("d-x", real, size.tokens, size.hidden);
    statistics = buffers.kept("statistics", DType.F64, LoadStatistics.length(model, 1));
    slots = new SlotPool(context);
    ModelParameters.Block block = state.parameters().block(0);
    layer =
        new MoeLayer(
            context,
            0,
            block.ffnNorm(),
            block.moe().orElseThrow(),
            state.routers().get(0),
            slots,
            buffers.kept("losses", DType.F64, 2),
            statistics,
            "layers.0");
    draw(block);
  }

  /** Prints a table; see the class. */
  public static void main(String[] arguments) {
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    PrintStream err = new PrintStream(System.err, true, StandardCharsets.UTF_8);
    System.exit(PeerLine.run("moe-layer", arguments, MoeLayerBenchmark::run, out, err));
  }

  private static void run(List<PeerLine> lines, PrintStream out) {
    Transport transport = ThreadTransport.group(1, LIMIT).get(0);
    try (TestDevice.Opened opened = TestDevice.cuda(DType.BF16).open(transport, 1)) {
      CudaBackend backend = (CudaBackend) opened.backend();
      out.println(backend.description());
      out.println(
          "shape skew | rows, max/mean per expert (peer) | forward ms | forward + backward ms"
              + " (fastest to slowest), TFLOP/s | peer ms | of peer");
      for (PeerLine line : lines) {
        Size size = Size.of(line);
        print(line, size, measure(backend, opened.groups(), size, onDevice(backend)), out);
      }
    }
  }

  private static Stopwatch onDevice(CudaBackend backend) {
    Stream stream = backend.computeLane().stream();
    return work -> {
      List<Event> events = new ArrayList<>();
      try {
        for (int i = 0; i <= work.size(); i++) {
          events.add(backend.device().timingEvent());
        }
        for (int i = 0; i < work.size(); i++) {
          stream.record(events.get(i));
          work.get(i).run();
        }
        stream.record(events.get(work.size()));
        events.get(work.size()).await();
        double[] times = new double[work.size()];
        for (int i = 0; i < times.length; i++) {
          times[i] = events.get(i + 1).millisecondsSince(events.get(i));
        }
        return times;
      } finally {
        events.forEach(Event::close);
      }
    };
  }

  private static void print(PeerLine line, Size size, Result result, PrintStream out) {
    Times both = result.both();
    double peer = line.measured("layer_ms").orElse(Double.NaN);
    out.printf(
        Locale.ROOT,
        "%s | %d, %.3f (%.3f) | %.3f | %.3f (%.3f to %.3f), %.0f | %.3f, %s | %.0f%%%n",
        line.title(),
        size.rows(),
        result.maxOverMean(),
        line.measured("max_over_mean").orElse(Double.NaN),
        result.forward().median(),
        both.median(),
        both.fastest(),
        both.slowest(),
        size.flop() / both.median() / 1e9,
        peer,
        line.word("layer_by").orElse("not measured"),
        100 * peer / both.median());
    out.printf(
        Locale.ROOT,
        "    by operation, ms: %s; in all %.3f; memory %.1f GiB%n",
        result.parts().stream().map(MoeLayerBenchmark::text).collect(Collectors.joining(", ")),
        result.parts().stream().mapToDouble(Part::milliseconds).sum(),
        result.memoryBytes() / 0x1p30);
  }

  private static String text(Part part) {
    return String.format(
        Locale.ROOT,
        "%s%s %.3f",
        part.operation(),
        part.calls() == 1 ? "" : " x" + part.calls(),
        part.milliseconds());
  }

  /** Builds a layer on the only rank of {@code groups} and times it. */
  static Result measure(Backend backend, Groups groups, Size size, Stopwatch stopwatch) {
    try (ModelState state = ModelState.blank(backend, size.model(), 0, 1);
        Arena arena = new Arena(backend)) {
      MoeLayerBenchmark benchmark = new MoeLayerBenchmark(state, groups, arena, size, stopwatch);
      return benchmark.measure(state.bytes() + arena.bytes());
    }
  }

  /** Draws values as the peer does; the state is blank until then. */
  private void draw(ModelParameters.Block block) {
    ModelParameters.Moe moe = block.moe().orElseThrow();
    double[] ones = new double[size.hidden];
    Arrays.fill(ones, 1);
    values.write(block.ffnNorm().tensors().master(), ones);
    drawNormal(moe.router(), size.hidden);
    drawNormal(moe.experts().gateUp(), size.hidden);
    drawNormal(moe.experts().down(), size.ffn);
    state.refreshWeights();
    drawNormal("x", 1, x);
    drawNormal("d-y", 1, dY);
    double[] skew = new double[size.experts];
    for (int expert = 0; expert < size.experts; expert++) {
      skew[expert] = -size.skew * Math.log(expert + 1);
    }
    values.write(state.routers().get(0).skew(), skew);
  }

  private void drawNormal(Parameter parameter, int fanIn) {
    drawNormal(parameter.name(), 1 / Math.sqrt(fanIn), parameter.tensors().master());
  }

  /** A block of normal numbers over and over: as random to the device as any, and soon drawn. */
  private void drawNormal(String name, double std, Tensor tensor) {
    Tensor flat = tensor.reshape(tensor.elements());
    double[] block = Initializer.normals(1, name, (int) Math.min(BLOCK, flat.elements()));
    for (int i = 0; i < block.length; i++) {
      block[i] *= std;
    }
    values.write(flat.range(0, block.length), block);
    long done = block.length;
    while (done < flat.elements()) {
      long length = Math.min(done, flat.elements() - done);
      ops.copy(flat.range(0, length), flat.range(done, length));
      done += length;
    }
  }

  private Result measure(long memoryBytes) {
    try (StepGraph forward = backend.record(this::forward)) {
      calls.take();
      try (StepGraph both = backend.record(this::forwardAndBackward)) {
        List<TracedCalls.Call> operations = calls.take();
        double maxOverMean = check(both);
        return new Result(
            maxOverMean, time(forward), time(both), parts(both, operations), memoryBytes);
      }
    }
  }

  private void forward() {
    slots.startMicroBatch(true);
    layer.forward(x, y, Layer.Pass.FORWARD);
  }

  private void forwardAndBackward() {
    forward();
    layer.backward(x, dX);
  }

  /** One replay, which must have kept all rows and left finite numbers; returns max/mean load. */
  private double check(StepGraph both) {
    ops.copy(dY, dX);
    both.replay();
    long required = values.longs(state.step().requiredRows())[0];
    if (values.longs(state.step().overflow())[0] != 0 || required != size.rows()) {
      throw new IllegalStateException(required + " rows where " + size.rows() + " were expected");
    }
    for (Tensor tensor : List.of(y, dX)) {
      double sum = 0;
      for (double value : values.doubles(tensor.rows(size.tokens - 1, 1))) {
        sum += value * value;
      }
      if (!(sum > 0 && sum < Double.POSITIVE_INFINITY)) {
        throw new IllegalStateException("the layer computed numbers with squared norm " + sum);
      }
    }
    double[] loads = Arrays.copyOf(values.doubles(statistics), size.experts);
    return Arrays.stream(loads).max().orElseThrow() * size.experts / size.rows();
  }

  /** Before every replay the gradient is set again, since the layer replaces it by that of x. */
  private Times time(StepGraph graph) {
    double[] times = new double[REPEATS];
    for (int i = -WARM_UP; i < REPEATS; i++) {
      ops.copy(dY, dX);
      double milliseconds = stopwatch.milliseconds(List.of(graph::replay))[0];
      if (i >= 0) {
        times[i] = milliseconds;
      }
    }
    Arrays.sort(times);
    return new Times(times[0], times[REPEATS / 2], times[REPEATS - 1]);
  }

  /** The device is kept busy until the host has enqueued all operations. */
  private List<Part> parts(StepGraph both, List<TracedCalls.Call> operations) {
    List<Runnable> work = new ArrayList<>();
    work.add(
        () -> {
          both.replay();
          ops.copy(dY, dX);
        });
    operations.forEach(operation -> work.add(operation.again()));
    double[][] times = new double[work.size()][REPEATS];
    for (int i = -WARM_UP; i < REPEATS; i++) {
      ops.copy(dY, dX);
      double[] row = stopwatch.milliseconds(work);
      for (int operation = 0; i >= 0 && operation < row.length; operation++) {
        times[operation][i] = row[operation];
      }
    }
    Map<String, Part> parts = new LinkedHashMap<>();
    for (int i = 0; i < operations.size(); i++) {
      Arrays.sort(times[i + 1]);
      String name = operations.get(i).operation();
      parts.merge(
          name,
          new Part(name, 1, times[i + 1][REPEATS / 2]),
          (a, b) -> new Part(name, a.calls() + b.calls(), a.milliseconds() + b.milliseconds()));
    }
    return parts.values().stream()
        .sorted(Comparator.comparingDouble(Part::milliseconds).reversed())
        .toList();
  }
}
