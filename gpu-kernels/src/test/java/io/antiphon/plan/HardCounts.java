package io.antiphon.plan;

import java.util.Arrays;
import java.util.Random;

/** Counts that a planner finds hard, for any shape. */
final class HardCounts {
  private HardCounts() {}

  /** {@code [ranks, experts]}, of a kind that {@code random} chooses. */
  static int[] draw(PlanShape shape, Random random) {
    int experts = shape.experts();
    int localExperts = shape.localExperts();
    int ranks = shape.ranks();
    int[] loads = new int[experts];
    switch (random.nextInt(11)) {
      case 0 -> loads[random.nextInt(experts)] = random.nextInt(100_000);
      case 1 -> Arrays.fill(loads, random.nextInt(5)); // balanced, ties everywhere
      case 2 -> { // one hot rank, its experts alike
        int rank = random.nextInt(ranks);
        Arrays.fill(loads, rank * localExperts, (rank + 1) * localExperts, 1 + random.nextInt(999));
      }
      case 3 -> { // all but one rank evenly hot
        Arrays.fill(loads, 1 + random.nextInt(999));
        int rank = random.nextInt(ranks);
        Arrays.fill(loads, rank * localExperts, (rank + 1) * localExperts, 0);
      }
      case 4 -> Arrays.setAll(loads, e -> random.nextInt(3)); // averages of about one
      case 5 -> Arrays.setAll(loads, e -> e % localExperts == 0 ? random.nextInt(9_999) : 1);
      case 6 -> Arrays.setAll(loads, e -> 1 << random.nextInt(16));
      case 7 -> { // the first half of the ranks has everything
        Arrays.setAll(loads, e -> shape.homeRank(e) < ranks / 2 ? 1 + random.nextInt(99) : 0);
      }
      case 8 -> Arrays.setAll(loads, e -> random.nextInt(4) == 0 ? random.nextInt(5_000) : 0);
      case 9 -> { // a Zipf-like popularity
        double exponent = 0.3 + 2 * random.nextDouble();
        int[] place = RandomCounts.shuffled(experts, random);
        Arrays.setAll(loads, e -> (int) (50_000 * Math.pow(1 + place[e], -exponent)));
      }
      default -> Arrays.setAll(loads, e -> random.nextInt(1_000));
    }
    return spread(shape, loads, random);
  }

  /** Shares out every expert's load among the source ranks, unevenly. */
  private static int[] spread(PlanShape shape, int[] loads, Random random) {
    int[] counts = new int[shape.ranks() * shape.experts()];
    boolean oneSource = random.nextInt(4) == 0;
    for (int expert = 0; expert < loads.length; expert++) {
      int left = loads[expert];
      int source = random.nextInt(shape.ranks());
      while (left > 0) {
        int part =
            oneSource ? left : Math.min(left, 1 + random.nextInt(2 * left / shape.ranks() + 1));
        counts[source * shape.experts() + expert] += part;
        left -= part;
        source = (source + 1) % shape.ranks();
      }
    }
    return counts;
  }
}
