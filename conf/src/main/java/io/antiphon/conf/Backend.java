package io.antiphon.conf;

/**
 * What computes.
 *
 * <p>Components: see {@code docs/configuration.md}, section {@code backend}.
 */
public record Backend(
    @Key(
            doc = "`auto` takes a GPU if there is one and logs its choice; the others insist",
            byDefault = "auto",
            resume = Resume.FREE)
        Kind kind,
    @Key(
            doc = "CPU threads each rank computes with",
            byDefault = "1",
            min = 1,
            unit = "threads",
            resume = Resume.FREE)
        int threadsPerRank) {

  /** Checks the limits of every key. */
  public Backend {
    Limits.require(Backend.class, kind, threadsPerRank);
  }

  /** Where tensors live and what computes on them. */
  public enum Kind {
    /** CUDA if this machine has it, else the CPU. */
    AUTO,
    /** Single precision over a BLAS library. */
    CPU,
    /** Double precision in plain Java: slow, for comparisons. */
    CPU_F64,
    /** NVIDIA GPU; an error if there is none. */
    CUDA
  }
}
