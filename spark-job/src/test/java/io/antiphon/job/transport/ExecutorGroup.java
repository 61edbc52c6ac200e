package io.antiphon.job.transport;

import io.antiphon.transport.Transport;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.apache.spark.SecurityManager;
import org.apache.spark.SparkConf;

/** Ranks spread over rooms that behave as if each were in a JVM of its own. */
final class ExecutorGroup implements AutoCloseable {
  private final List<ProcessRanks> rooms = new ArrayList<>();
  private final List<Transport> transports = new ArrayList<>();
  private final List<RankPlaces> places = new ArrayList<>();

  /**
   * @param ranksPerRoom how many ranks sit in each room
   * @param properties Spark's, by room or the same for all
   */
  static ExecutorGroup open(
      List<Integer> ranksPerRoom, Duration timeout, List<Map<String, String>> properties) {
    ExecutorGroup group = new ExecutorGroup();
    UUID attempt = UUID.randomUUID();
    int ranks = ranksPerRoom.stream().mapToInt(Integer::intValue).sum();
    List<Placement> byRank = new ArrayList<>();
    for (int room = 0; room < ranksPerRoom.size(); room++) {
      Map<String, String> own = properties.get(room % properties.size());
      // Rooms in ascending order of their processes, so that the numbers of ranks ascend too.
      ProcessRanks process =
          new ProcessRanks(new UUID(0, room), attempt, ranks, timeout, Optional.of(wire(own)));
      for (int member = 0; member < ranksPerRoom.get(room); member++) {
        group.rooms.add(process);
        byRank.add(process.placement());
      }
    }
    for (int rank = 0; rank < ranks; rank++) {
      group.places.add(RankPlaces.of(byRank, rank));
    }
    return group;
  }

  static Wire wire(Map<String, String> properties) {
    SparkConf conf = new SparkConf(false).set("spark.app.id", "app-1");
    properties.forEach(conf::set);
    SecurityManager security =
        new SecurityManager(
            conf,
            SecurityManager.$lessinit$greater$default$2(),
            SecurityManager.$lessinit$greater$default$3());
    return Wire.of(conf, security, "127.0.0.1");
  }

  /** Connects every rank to all others. */
  List<Transport> join() {
    for (int rank = 0; rank < rooms.size(); rank++) {
      transports.add(join(rank));
    }
    return transports;
  }

  /** Connects one rank to all others. */
  Transport join(int rank) {
    return ExecutorTransport.join(rooms.get(rank), places.get(rank));
  }

  /** Connects one rank to the peers of another group, as a task of an old attempt might. */
  Transport joinInstead(int rank, ExecutorGroup others) {
    List<Placement> mixed = new ArrayList<>(others.places.get(rank).byRank());
    mixed.set(rank, rooms.get(rank).placement());
    return ExecutorTransport.join(rooms.get(rank), new RankPlaces(mixed, rank));
  }

  /** Ends the process of a rank as a kill would: all its connections close without a word. */
  void kill(int rank) {
    rooms.get(rank).close();
  }

  @Override
  public void close() {
    rooms.stream().distinct().forEach(ProcessRanks::close);
  }
}
