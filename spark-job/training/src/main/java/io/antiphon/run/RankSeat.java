package io.antiphon.run;

import io.antiphon.conf.Settings;
import io.antiphon.train.DevicePlace;
import io.antiphon.train.report.RunReport;
import io.antiphon.transport.Transport;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * Place of one rank in one attempt at a run, as its host gives it.
 *
 * @param transport messages to the other ranks
 * @param attempt the same on all ranks, another for each attempt
 * @param stopRequested whether the run shall end after the current step; on rank 0 it fails if
 *     something reported before could not be taken
 * @param reports takes what rank 0 says about the run, in order and without waiting
 * @param device which GPU the rank may use
 * @param onCancel takes what must also learn, from another thread, that the rank shall give up
 */
public record RankSeat(
    Transport transport,
    String attempt,
    BooleanSupplier stopRequested,
    Consumer<RunReport> reports,
    Function<Settings, DevicePlace> device,
    Consumer<Consumer<String>> onCancel) {}
