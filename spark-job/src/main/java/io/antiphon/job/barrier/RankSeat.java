package io.antiphon.job.barrier;

import io.antiphon.transport.Transport;
import java.io.Serializable;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * Place of one rank in one attempt.
 *
 * @param transport messages to the other ranks
 * @param attempt the same on all ranks, another for each submission
 * @param stopRequested asks the driver whether the run shall end after the current step; the answer
 *     comes after all that was sent to {@code driver} was taken, and if it could not be, this
 *     throws
 * @param driver sends a message to the driver, in order and without waiting
 * @param gpu which GPU the rank may use
 * @param onCancel takes what must also learn, from another thread, that Spark cancelled the task
 */
public record RankSeat(
    Transport transport,
    String attempt,
    BooleanSupplier stopRequested,
    Consumer<Serializable> driver,
    GpuAddress gpu,
    Consumer<Consumer<String>> onCancel) {}
