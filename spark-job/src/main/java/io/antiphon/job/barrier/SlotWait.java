package io.antiphon.job.barrier;

import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import org.apache.spark.SparkContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * While an attempt has not begun: says now and then what it waits for, and lets the user stop it.
 */
final class SlotWait implements Runnable {
  private static final Logger LOG = LoggerFactory.getLogger(SlotWait.class);
  private static final int PERIODS = 20;

  private final SparkContext spark;
  private final int slots;
  private final BooleanSupplier begun;
  private final BooleanSupplier stopRequested;
  private int periods;

  /**
   * A wait of a run that needs {@code slots} tasks at once.
   *
   * @param begun whether its tasks run
   * @param stopRequested whether the user no longer wants it
   */
  SlotWait(SparkContext spark, int slots, BooleanSupplier begun, BooleanSupplier stopRequested) {
    this.spark = spark;
    this.slots = slots;
    this.begun = begun;
    this.stopRequested = stopRequested;
  }

  /**
   * Called about every second.
   *
   * @throws CancellationException if the user wants to stop and no rank is there to ask for it
   */
  @Override
  public void run() {
    if (begun.getAsBoolean()) {
      return;
    }
    if (stopRequested.getAsBoolean()) {
      throw new CancellationException("stopped by the user before the ranks began");
    }
    periods++;
    if (periods % PERIODS == 0 && !spark.isLocal()) {
      int executors = spark.statusTracker().getExecutorInfos().length - 1; // one is the driver
      LOG.info("waiting for {} free task slots at once; executors so far: {}", slots, executors);
    }
  }
}
