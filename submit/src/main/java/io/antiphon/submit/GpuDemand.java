package io.antiphon.submit;

import io.antiphon.conf.Backend;
import io.antiphon.conf.Settings;
import io.antiphon.conf.SparkDefaults;
import java.util.Optional;

/** How much a run needs the GPUs of this machine. */
enum GpuDemand {
  /** It computes on the CPU. */
  NONE,
  /** It takes one if there is one. */
  WELCOME,
  /** It fails without. */
  REQUIRED,
  /** Its ranks run on the machines of a cluster; this one need not have any. */
  ELSEWHERE;

  /** Demand without settings: what the default of {@code backend.kind} asks. */
  static GpuDemand of(Optional<Settings> settings) {
    if (settings.isEmpty()) {
      return WELCOME;
    }
    Settings run = settings.orElseThrow();
    Backend.Kind kind = run.backend().kind();
    if (kind == Backend.Kind.CPU || kind == Backend.Kind.CPU_F64) {
      return NONE;
    }
    if (isRemote(run)) {
      return ELSEWHERE;
    }
    return kind == Backend.Kind.CUDA ? REQUIRED : WELCOME;
  }

  /** Whether the ranks run on other machines than this. */
  static boolean isRemote(Settings settings) {
    String master = settings.spark().masterFor(settings.parallelism().ranks());
    return settings.spark().cluster() == 0
        && !SparkDefaults.isLocal(master)
        && !master.startsWith("local-cluster");
  }

  /** Something that a run on a GPU needs is not as it should be. */
  Finding problem(String name, String found, String remedy) {
    return this == REQUIRED ? Finding.fail(name, found, remedy) : Finding.warn(name, found, remedy);
  }
}
