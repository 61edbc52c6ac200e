package io.antiphon.tests.bench;

import io.antiphon.plan.BalanceOptions;
import io.antiphon.plan.EchoPlan;
import io.antiphon.plan.PlanShape;
import io.antiphon.plan.Planner;
import io.antiphon.plan.PlannerKind;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** Time of one plan on the CPU, for counts that differ from call to call. */
@State(Scope.Thread)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class PlannerBenchmark {
  private static final int ASSIGNMENTS = 32_768;
  private static final int MATRICES = 8;

  /** Ranks x experts. */
  @Param({"8x64", "64x256", "1024x2048"})
  public String size = "";

  /** Slots per rank. */
  @Param({"1", "2"})
  public int slots;

  /** Zipf exponent of the experts' popularity. */
  @Param({"0.5", "1.0"})
  public double exponent;

  @Param({"balanced"})
  public String planner = "";

  private final int[][] matrices = new int[MATRICES][];
  private Planner prepared = PlannerKind.NONE.create(new PlanShape(1, 1, 0), BalanceOptions.EXACT);
  private EchoPlan plan = new EchoPlan(prepared.shape());
  private int next;

  /** Draws the counts. */
  @Setup
  public void draw() {
    String[] sizes = size.split("x", -1);
    PlanShape shape = new PlanShape(Integer.parseInt(sizes[0]), Integer.parseInt(sizes[1]), slots);
    prepared = PlannerKind.named(planner).orElseThrow().create(shape, BalanceOptions.EXACT);
    plan = new EchoPlan(shape);
    for (int i = 0; i < MATRICES; i++) {
      matrices[i] = zipf(shape, exponent, new SplittableRandom(i));
    }
  }

  /** One plan. */
  @Benchmark
  public EchoPlan plan() {
    next = (next + 1) % MATRICES;
    prepared.plan(matrices[next], plan);
    return plan;
  }

  /** Expected counts under a shuffled Zipf popularity clipped at 1/8, with some noise. */
  private static int[] zipf(PlanShape shape, double exponent, SplittableRandom random) {
    int experts = shape.experts();
    double[] popularity = new double[experts];
    int[] order = new int[experts];
    double sum = 0;
    for (int i = 0; i < experts; i++) {
      int other = random.nextInt(i + 1);
      order[i] = order[other];
      order[other] = i;
      sum += Math.pow(i + 1, -exponent);
    }
    for (int i = 0; i < experts; i++) {
      popularity[order[i]] = Math.min(Math.pow(i + 1, -exponent) / sum, 1 / 8.0);
    }
    int[] counts = new int[shape.ranks() * experts];
    for (int i = 0; i < counts.length; i++) {
      counts[i] = (int) (ASSIGNMENTS * popularity[i % experts] * (0.9 + 0.2 * random.nextDouble()));
    }
    return counts;
  }
}
