package io.antiphon.plan;

import java.util.Random;
import java.util.stream.IntStream;

/** The router's choices of every rank, skewed, and the counts that follow from them. */
@SuppressWarnings("ArrayRecordComponent") // carried together, never compared
record RandomAssignments(PlanShape shape, int[][] topExperts, int[] counts) {
  static RandomAssignments of(PlanShape shape, long seed) {
    Random random = new Random(seed * 0x9E3779B97F4A7C15L);
    int tokens = random.nextInt(60);
    int topK = 1 + random.nextInt(Math.min(4, shape.experts()));
    int[] popularity = RandomCounts.shuffled(shape.experts(), random);
    int[][] topExperts = new int[shape.ranks()][];
    int[] counts = new int[shape.ranks() * shape.experts()];
    for (int rank = 0; rank < shape.ranks(); rank++) {
      topExperts[rank] =
          IntStream.range(0, tokens).flatMap(token -> choices(popularity, topK, random)).toArray();
      for (int expert : topExperts[rank]) {
        counts[rank * shape.experts() + expert]++;
      }
    }
    return new RandomAssignments(shape, topExperts, counts);
  }

  /** Different experts of one token; low places are likelier. */
  private static IntStream choices(int[] popularity, int topK, Random random) {
    return IntStream.generate(
            () -> {
              double skewed = Math.pow(random.nextDouble(), 3);
              return popularity[(int) (skewed * popularity.length)];
            })
        .distinct()
        .limit(topK);
  }
}
