package io.antiphon.simulate;

import io.antiphon.trace.TraceException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.LongConsumer;

/**
 * Runs all contenders on the same counts. Samples are taken in batches: made in parallel, shown to
 * EPLB's memory in order, evaluated in parallel, and collected in order, so that the number of
 * threads changes nothing but the time.
 */
public final class Simulation {
  /** Most measurements kept; bounds memory. */
  private static final long MAX_MEASUREMENTS = 4_000_000;

  private static final long BEFORE_ALL = -1;

  private final SimulationOptions options;
  private final SampleSource source;
  private final List<Contender> contenders;
  private final int threadCount;
  private final List<ContenderResult> results;
  private final List<ContenderResult> warmupResults;
  private final List<int[]> buffers = new ArrayList<>(); // counts, used again by every batch
  private long firstStep = BEFORE_ALL;
  private final Map<Integer, Map<Integer, Eplb>> eplbOfSlotsAndLayer = new HashMap<>();

  /**
   * A simulation that has not begun.
   *
   * @throws OptionException if the options do not fit the group, or there is too much to simulate
   */
  public Simulation(SimulationOptions options, SampleSource source) {
    this.options = options;
    this.source = source;
    this.contenders = options.contenders(source.ranks(), source.experts());
    this.threadCount = affordableThreads();
    this.results = contenders.stream().map(ContenderResult::new).toList();
    this.warmupResults = contenders.stream().map(ContenderResult::new).toList();
    requireAffordable(source.size());
  }

  /** Number of threads: as asked for, or fewer if their memory would fill half of the heap. */
  private int affordableThreads() {
    long ranks = source.ranks();
    long counts = ranks * source.experts();
    long bytes = 2 * Integer.BYTES * counts;
    for (Contender contender : contenders) {
      bytes += Integer.BYTES * ranks * ranks * contender.slotsPerRank() + counts;
    }
    long affordable = Runtime.getRuntime().maxMemory() / 2 / bytes;
    return (int) Math.max(1, Math.min(options.threads(), affordable));
  }

  private void requireAffordable(long samples) {
    if (samples * contenders.size() > MAX_MEASUREMENTS) {
      throw Limits.bad(
          "%d samples (steps x layers) x %d contenders are more than %d measurements. Lower"
              + " --steps, --layers or the number of --planners.",
          samples, contenders.size(), MAX_MEASUREMENTS);
    }
  }

  /** Counts of one sample with EPLB's placements for them, by slots per rank. */
  private static final class Case {
    final SampleSource.Sample sample;
    final int[] counts;
    final Map<Integer, Eplb.Placement> placements = new HashMap<>();
    final List<Measurement> measurements = new ArrayList<>();
    boolean warmup;

    Case(SampleSource.Sample sample, int[] counts) {
      this.sample = sample;
      this.counts = counts;
    }
  }

  /** The working memory of one thread. */
  private final class Worker {
    private final List<Competitor> competitors = new ArrayList<>();
    private final List<RankFlow> flows = new ArrayList<>();
    private final List<LoadHistogram> histograms = new ArrayList<>();
    private final List<LoadHistogram> warmupHistograms = new ArrayList<>();

    Worker() {
      Topology topology = new Topology(source.ranks(), options.planner().ranksPerNode());
      int localExperts = source.experts() / source.ranks();
      for (Contender contender : contenders) {
        competitors.add(options.competitor(contender, source.ranks(), source.experts()));
        flows.add(
            new RankFlow(
                topology, localExperts + contender.slotsPerRank(), options.cost().relay()));
        histograms.add(new LoadHistogram());
        warmupHistograms.add(new LoadHistogram());
      }
    }

    void evaluate(Case task) {
      for (int i = 0; i < contenders.size(); i++) {
        Contender contender = contenders.get(i);
        RankFlow flow = flows.get(i);
        flow.clear();
        Eplb.Placement placement = task.placements.get(contender.slotsPerRank());
        Competitor.Effort effort =
            competitors
                .get(i)
                .place(task.counts, placement == null ? Eplb.Placement.NONE : placement, flow);
        LoadHistogram histogram = (task.warmup ? warmupHistograms : histograms).get(i);
        task.measurements.add(measure(task, contender, effort, flow, histogram));
      }
    }
  }

  private Measurement measure(
      Case task,
      Contender contender,
      Competitor.Effort effort,
      RankFlow flow,
      LoadHistogram histogram) {
    int most = 0;
    long total = 0;
    for (int load : flow.loads()) {
      most = Math.max(most, load);
      total += load;
    }
    histogram.add(flow.loads(), total);
    CostModel.Time time = options.cost().time(flow, options.size(), contender.plansEachStep());
    long rowBytes = options.cost().rowBytes(options.size());
    return new Measurement(
        task.sample.step(),
        most,
        total,
        source.ranks(),
        effort.clones(),
        flow.weightBytes().inside(),
        flow.weightBytes().between(),
        flow.tokenRows().inside() * rowBytes,
        flow.tokenRows().between() * rowBytes,
        effort.planNanos(),
        time.seconds(),
        time.gemmSeconds());
  }

  /**
   * Simulates everything the source has.
   *
   * @param progress told the number of samples done, from time to time
   * @throws TraceException if the source turns out not to be usable
   */
  public SimulationResult run(LongConsumer progress) {
    ExecutorService threads = Executors.newFixedThreadPool(threadCount);
    List<Worker> workers = new ArrayList<>();
    try {
      for (int i = 0; i < threadCount; i++) {
        workers.add(new Worker());
      }
      long done = 0;
      List<Case> batch = nextBatch();
      while (!batch.isEmpty()) {
        List<Case> cases = batch;
        inParallel(threads, cases, (worker, task) -> task.sample.fill(task.counts), workers);
        cases.forEach(this::remember);
        inParallel(threads, cases, Worker::evaluate, workers);
        cases.forEach(this::collect);
        done += cases.size();
        requireAffordable(done);
        progress.accept(done);
        batch = nextBatch();
      }
      for (Worker worker : workers) {
        for (int i = 0; i < results.size(); i++) {
          results.get(i).histogram().add(worker.histograms.get(i));
          warmupResults.get(i).histogram().add(worker.warmupHistograms.get(i));
        }
      }
      if (done == 0) {
        throw new TraceException(source.description() + ": holds no counts.");
      }
      boolean nothingElse = results.get(0).measurements().isEmpty();
      return new SimulationResult(
          source.description(),
          source.ranks(),
          source.experts(),
          options,
          nothingElse ? warmupResults : results);
    } finally {
      threads.shutdownNow();
    }
  }

  private List<Case> nextBatch() {
    List<Case> batch = new ArrayList<>();
    while (batch.size() < 2 * threadCount) {
      Optional<SampleSource.Sample> sample = source.next();
      if (sample.isEmpty()) {
        break;
      }
      if (buffers.size() == batch.size()) {
        buffers.add(new int[source.ranks() * source.experts()]);
      }
      batch.add(new Case(sample.get(), buffers.get(batch.size())));
    }
    return batch;
  }

  /** What a worker does with a sample. */
  private interface Work {
    void on(Worker worker, Case task);
  }

  /** Worker {@code w} takes every n-th sample from the w-th. */
  private void inParallel(
      ExecutorService threads, List<Case> cases, Work work, List<Worker> workers) {
    List<Callable<Boolean>> shares = new ArrayList<>();
    for (int first = 0; first < workers.size(); first++) {
      int start = first;
      shares.add(
          () -> {
            for (int i = start; i < cases.size(); i += workers.size()) {
              work.on(workers.get(start), cases.get(i));
            }
            return true;
          });
    }
    try {
      for (Future<Boolean> share : threads.invokeAll(shares)) {
        share.get();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while simulating", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw new IllegalStateException("a worker failed", e.getCause());
    }
  }

  /**
   * Lets EPLB place the experts and then see the counts. The first step only warms it up: there was
   * no past to plan from.
   */
  private void remember(Case task) {
    if (firstStep == BEFORE_ALL) {
      firstStep = task.sample.step();
    }
    task.warmup = task.sample.step() == firstStep && takesPart(Contender.EPLB);
    for (Contender contender : contenders) {
      if (contender.name().equals(Contender.EPLB)) {
        int slots = contender.slotsPerRank();
        Eplb eplb =
            eplbOfSlotsAndLayer
                .computeIfAbsent(slots, any -> new HashMap<>())
                .computeIfAbsent(
                    task.sample.layer(),
                    any ->
                        new Eplb(
                            source.ranks(),
                            source.experts(),
                            slots,
                            options.eplbPeriod(),
                            options.eplbHistory()));
        task.placements.put(slots, eplb.next(task.sample.step(), task.counts));
      }
    }
  }

  private boolean takesPart(String name) {
    return contenders.stream().anyMatch(contender -> contender.name().equals(name));
  }

  private void collect(Case task) {
    for (int i = 0; i < results.size(); i++) {
      (task.warmup ? warmupResults : results).get(i).add(task.measurements.get(i));
    }
  }
}
