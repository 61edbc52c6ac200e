package io.antiphon.job;

import org.apache.spark.SparkContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Says now and then what an attempt waits for that has not begun. */
final class SlotWait implements Runnable {
  private static final Logger LOG = LoggerFactory.getLogger(SlotWait.class);
  private static final int PERIODS = 20;

  private final SparkContext spark;
  private final int slots;
  private final DriverMailbox mailbox;
  private int periods;

  SlotWait(SparkContext spark, int slots, DriverMailbox mailbox) {
    this.spark = spark;
    this.slots = slots;
    this.mailbox = mailbox;
  }

  /** Called about every second. */
  @Override
  public void run() {
    periods++;
    if (periods % PERIODS == 0 && !mailbox.heard() && !spark.isLocal()) {
      int executors = spark.statusTracker().getExecutorInfos().length - 1; // one is the driver
      LOG.info("waiting for {} free task slots at once; executors so far: {}", slots, executors);
    }
  }
}
