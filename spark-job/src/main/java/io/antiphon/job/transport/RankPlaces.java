package io.antiphon.job.transport;

import java.util.Comparator;
import java.util.List;
import java.util.UUID;
import java.util.stream.IntStream;

/**
 * Places of all ranks, equal on every rank but for {@code rank}. Ranks are numbered by host and,
 * within a host, by process, so that the consecutive ranks of an expert-parallel group share a JVM
 * or a host where Spark's placement of the tasks allows it.
 *
 * @param byRank place of every rank
 * @param rank which of them this one is
 */
public record RankPlaces(List<Placement> byRank, int rank) {
  public RankPlaces {
    byRank = List.copyOf(byRank);
  }

  /**
   * Numbers the tasks of a barrier stage.
   *
   * @param byPartition place of every task
   * @param partition which of them this one is
   */
  public static RankPlaces of(List<Placement> byPartition, int partition) {
    List<Integer> order =
        IntStream.range(0, byPartition.size())
            .boxed()
            .sorted(
                Comparator.comparing((Integer task) -> byPartition.get(task).host())
                    .thenComparing(task -> byPartition.get(task).process())
                    .thenComparing(task -> task))
            .toList();
    return new RankPlaces(order.stream().map(byPartition::get).toList(), order.indexOf(partition));
  }

  /** Number of ranks. */
  int ranks() {
    return byRank.size();
  }

  /** Whether {@code peer} runs in this rank's JVM. */
  boolean isHere(int peer) {
    return byRank.get(peer).process().equals(byRank.get(rank).process());
  }

  /** The ranks of a JVM, ascending. */
  public List<Integer> ranksOf(UUID process) {
    return IntStream.range(0, ranks())
        .filter(peer -> byRank.get(peer).process().equals(process))
        .boxed()
        .toList();
  }
}
