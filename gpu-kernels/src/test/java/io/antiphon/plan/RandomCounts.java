package io.antiphon.plan;

import java.util.Arrays;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/** Shapes and count matrices drawn from a seed; the same seed gives the same case. */
@SuppressWarnings("ArrayRecordComponent") // carried together, never compared
record RandomCounts(long seed, PlanShape shape, int[] counts) {
  private static final int[] RANKS = {1, 2, 3, 4, 5, 8, 16};

  /** Runs {@code claim} on seeds 1 to {@code cases}; a failure names the seed. */
  static void forEachSeed(int cases, Consumer<RandomCounts> claim) {
    for (long seed = 1; seed <= cases; seed++) {
      RandomCounts drawn = of(seed);
      try {
        claim.accept(drawn);
      } catch (AssertionError | RuntimeException e) {
        throw new AssertionError("seed " + seed + ", " + drawn.describe(), e);
      }
    }
  }

  /** Does what {@link #forEachSeed} does for each planner that can serve the drawn shape. */
  static void forEachPlan(int cases, Consumer<Planned> claim) {
    forEachSeed(
        cases,
        drawn -> {
          if (drawn.shape.slotsPerRank() == 1) {
            claim.accept(Planned.by(new BinPackingPlanner(drawn.shape), drawn.counts));
          }
          claim.accept(Planned.by(new OneShotPlanner(drawn.shape), drawn.counts));
        });
  }

  /** A plan and what it was made from. */
  @SuppressWarnings("ArrayRecordComponent") // carried together, never compared
  record Planned(Planner planner, int[] counts, EchoPlan plan) {
    static Planned by(Planner planner, int[] counts) {
      EchoPlan plan = new EchoPlan(planner.shape());
      planner.plan(counts, plan);
      return new Planned(planner, counts, plan);
    }

    PlanShape shape() {
      return plan.shape();
    }
  }

  static RandomCounts of(long seed) {
    // Nearby seeds of Random start alike.
    Random random = new Random(seed * 0x9E3779B97F4A7C15L);
    int ranks = RANKS[random.nextInt(RANKS.length)];
    int localExperts = 1 + random.nextInt(8);
    int experts = ranks * localExperts;
    int slotsPerRank = random.nextBoolean() ? 1 : 1 + random.nextInt(Math.min(4, experts));
    PlanShape shape = new PlanShape(ranks, experts, slotsPerRank);
    return new RandomCounts(seed, shape, draw(shape, random));
  }

  private static int[] draw(PlanShape shape, Random random) {
    int[] counts = new int[shape.ranks() * shape.experts()];
    switch (random.nextInt(9)) {
      case 0 -> Arrays.setAll(counts, i -> random.nextInt(3)); // averages below 7, many ties
      case 1 -> Arrays.setAll(counts, i -> random.nextInt(1000));
      case 2 -> popular(shape, counts, random, 0.5 + random.nextDouble());
      case 3 -> popular(shape, counts, random, 3); // nearly everything on few experts
      case 4 -> { // one source rank only
        int first = random.nextInt(shape.ranks()) * shape.experts();
        for (int expert = 0; expert < shape.experts(); expert++) {
          counts[first + expert] = random.nextInt(200);
        }
      }
      case 5 -> { // one expert only
        int expert = random.nextInt(shape.experts());
        for (int rank = 0; rank < shape.ranks(); rank++) {
          counts[rank * shape.experts() + expert] = random.nextInt(500);
        }
      }
      case 6 -> { // ties everywhere: each expert has one of two loads
        int[] perExpert = IntStream.range(0, shape.experts()).map(e -> random.nextInt(2)).toArray();
        Arrays.setAll(counts, i -> 10 * perExpert[i % shape.experts()]);
      }
      case 7 -> // mostly zero
          Arrays.setAll(counts, i -> random.nextInt(20) == 0 ? random.nextInt(5000) : 0);
      default -> { // sums near 2^31
        int limit = Integer.MAX_VALUE / counts.length;
        Arrays.setAll(counts, i -> random.nextBoolean() ? limit : random.nextInt(limit));
      }
    }
    return counts;
  }

  private static void popular(PlanShape shape, int[] counts, Random random, double skew) {
    int[] place = shuffled(shape.experts(), random);
    for (int i = 0; i < counts.length; i++) {
      double popularity = Math.pow(1 + place[i % shape.experts()], -skew);
      counts[i] = (int) (2000 * popularity * (0.5 + random.nextDouble()));
    }
  }

  static int[] shuffled(int length, Random random) {
    int[] order = IntStream.range(0, length).toArray();
    for (int i = length - 1; i > 0; i--) {
      int other = random.nextInt(i + 1);
      int swapped = order[i];
      order[i] = order[other];
      order[other] = swapped;
    }
    return order;
  }

  private String describe() {
    return shape + ", counts " + (counts.length <= 64 ? Arrays.toString(counts) : "(not shown)");
  }
}
