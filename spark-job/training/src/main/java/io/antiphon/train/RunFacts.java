package io.antiphon.train;

import io.antiphon.conf.Settings;
import io.antiphon.train.report.RunInfo;
import java.io.Serializable;
import java.time.Instant;

/**
 * What the data tells about a run, for its reports.
 *
 * @param bytesPerToken mean UTF-8 bytes of text per token of the training split
 * @param bigramLoss loss of the smoothed bigram model on the validation split, nats per token; NaN
 *     if it was not measured
 */
public record RunFacts(double bytesPerToken, double bigramLoss) implements Serializable {

  RunInfo info(
      Settings settings, ModelSetup setup, RankDevice device, long resumedStep, Instant now) {
    var moe = setup.model().moe();
    var echo = moe.echo();
    String planner = echo.slotsPerRank() == 0 ? "" : echo.planner().label();
    return new RunInfo(
        settings.name(),
        settings.parallelism().ranks(),
        settings.parallelism().expertParallel(),
        moe.experts(),
        moe.experts() == 0 ? 0 : moe.topK(),
        setup.model().layers(),
        echo.slotsPerRank(),
        planner,
        settings.schedule().steps(),
        setup.model().sequenceLength(),
        setup.batch().globalBatch(),
        bytesPerToken,
        device.backend().description(),
        bigramLoss,
        resumedStep,
        now);
  }
}
