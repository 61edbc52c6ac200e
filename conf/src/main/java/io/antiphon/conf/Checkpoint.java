package io.antiphon.conf;

import java.util.Optional;

/**
 * What is saved, and when.
 *
 * <p>Components: see {@code docs/configuration.md}, section {@code checkpoint}.
 */
public record Checkpoint(
    @Key(
            doc =
                "Write checkpoints; `false` trains without writing any, so that a run that ends"
                    + " early is lost",
            byDefault = "true",
            resume = Resume.FREE)
        boolean enabled,
    @Key(
            doc = "Updates between checkpoints",
            megatron = "--save-interval",
            byDefault = "50",
            min = 1,
            unit = "steps",
            resume = Resume.FREE)
        long everySteps,
    @Key(
            doc = "Newest checkpoints that are kept",
            byDefault = "3",
            min = 1,
            unit = "checkpoints",
            resume = Resume.FREE)
        int keep,
    @Key(
            doc = "Directory of the checkpoints",
            megatron = "--save",
            absent = "`<run-dir>/checkpoints`",
            resume = Resume.FREE)
        Optional<String> dir,
    @Key(
            doc =
                "Continue from the newest checkpoint found there; `false` begins anew, and refuses"
                    + " a directory that has one",
            megatron = "--load",
            byDefault = "true",
            resume = Resume.FREE)
        boolean resume) {

  /** Checks the limits of every key. */
  public Checkpoint {
    Limits.require(Checkpoint.class, enabled, everySteps, keep, dir, resume);
  }
}
