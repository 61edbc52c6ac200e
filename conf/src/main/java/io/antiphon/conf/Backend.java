package io.antiphon.conf;

import java.nio.file.Path;
import java.util.Optional;

/**
 * What computes.
 *
 * <p>Components: see {@code docs/configuration.md}, section {@code backend}.
 */
public record Backend(
    @Key(
            doc =
                "`auto` takes a GPU if every rank has one that works, CUDA's libraries included,"
                    + " and logs its choice; the others insist",
            byDefault = "auto",
            resume = Resume.FREE)
        Kind kind,
    @Key(
            doc =
                "What a GPU computes in: `bf16` on tensor cores with sums in fp32, or `fp32`"
                    + " throughout without TF32, slow and for comparisons; masters, gradients and"
                    + " moments are fp32 in both",
            megatron = "--bf16",
            byDefault = "bf16",
            resume = Resume.FREE)
        Precision precision,
    @Key(
            doc =
                "Consecutive ranks that share a GPU; 0: all ranks of a process on this machine"
                    + " (local master or `spark.cluster`), and one on any other cluster",
            byDefault = "0",
            min = 0,
            max = 64,
            unit = "ranks",
            resume = Resume.FREE)
        int ranksPerGpu,
    @Key(
            doc =
                "How ranks on GPUs reach each other: `auto` uses peer memory in groups of ranks on"
                    + " one host and NCCL in the others; `nccl` uses NCCL in all, and needs a GPU"
                    + " for each rank",
            byDefault = "auto",
            resume = Resume.FREE)
        Interconnect interconnect,
    @Key(
            doc = "Folder of compiled kernels, on every machine; several runs may share it",
            absent = "`.cache/antiphon/kernels` in the user's home",
            resume = Resume.FREE)
        Optional<String> kernelCache,
    @Key(
            doc = "CPU threads each rank computes with",
            byDefault = "1",
            min = 1,
            unit = "threads",
            resume = Resume.FREE)
        int threadsPerRank) {

  /** Checks the limits of every key. */
  public Backend {
    Limits.require(
        Backend.class, kind, precision, ranksPerGpu, interconnect, kernelCache, threadsPerRank);
  }

  /** Folder of compiled kernels on the machine of this process. */
  public Path kernelFolder() {
    return kernelCache
        .map(Path::of)
        .orElseGet(
            () -> Path.of(System.getProperty("user.home", "."), ".cache", "antiphon", "kernels"));
  }

  /** Where tensors live and what computes on them. */
  public enum Kind {
    /** CUDA if it works on this machine, else the CPU. */
    AUTO,
    /** Single precision over a BLAS library. */
    CPU,
    /** Double precision in plain Java: slow, for comparisons. */
    CPU_F64,
    /** NVIDIA GPU; an error if there is none. */
    CUDA
  }

  /** How ranks on GPUs reach each other. */
  public enum Interconnect {
    /** Peer memory where all ranks of a group are on one host, else NCCL. */
    AUTO,
    /** NCCL among all ranks. */
    NCCL
  }

  /** What a GPU computes in. */
  public enum Precision {
    /** Products of bf16, sums in fp32. */
    BF16,
    /** Plain fp32. */
    FP32
  }
}
