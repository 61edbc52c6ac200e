package io.antiphon.job.cluster;

import java.io.IOException;
import java.util.Arrays;
import org.apache.spark.deploy.master.Master;
import org.apache.spark.deploy.worker.Worker;

/**
 * Main class of the processes of a {@link LocalCluster}. It ends when its standard input does: when
 * the process that started it is gone, however that happened.
 */
final class ClusterProcess {
  static final String MASTER = "master";
  static final String WORKER = "worker";

  private ClusterProcess() {}

  /** Runs as the part that the first argument names, with the others as Spark's arguments. */
  public static void main(String[] arguments) {
    Thread watch = new Thread(ClusterProcess::endWithInput, "antiphon-parent-watch");
    watch.setDaemon(true);
    watch.start();
    String[] rest = Arrays.copyOfRange(arguments, 1, arguments.length);
    switch (arguments[0]) {
      case MASTER -> Master.main(rest);
      case WORKER -> Worker.main(rest);
      default -> throw new IllegalArgumentException("no part of a cluster: " + arguments[0]);
    }
  }

  private static void endWithInput() {
    try {
      while (System.in.read() >= 0) {
        // nobody writes; only the end counts
      }
    } catch (IOException e) {
      // it cannot be read any more, which is its end as well
    }
    Runtime.getRuntime().halt(1);
  }
}
