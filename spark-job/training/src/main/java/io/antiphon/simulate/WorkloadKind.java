package io.antiphon.simulate;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The synthetic workloads. W0 to W7 follow the public imbalance benchmark of NVIDIA/Megatron-LM
 * pull request 7488; {@code docs/simulate.md} says where they differ.
 */
public enum WorkloadKind {
  /** Shares by Zipf's law, another random order of experts in each layer. */
  ZIPF("zipf", "popularity by Zipf's law"),
  /** Zipf's law with an order that changes from step to step. */
  DRIFT("drift", "popularity by Zipf's law that drifts"),
  /** Round robin. */
  W0("w0", "balanced"),
  /** A fixed set takes most selections. */
  W1("w1", "hot expert set"),
  /** A contiguous block of hot experts. */
  W2("w2", "hot rank"),
  /** Every other expert is hot. */
  W3("w3", "hot experts spread out"),
  /** Ranks bring different numbers of tokens. */
  W4("w4", "ragged sources"),
  /** Half of the experts are never chosen. */
  W5("w5", "zero-load experts and ranks"),
  /** The hot block moves on every third step. */
  W6("w6", "rotating hot spot"),
  /** Three even steps, then one with a hot block. */
  W7("w7", "burst");

  private final String label;
  private final String description;

  WorkloadKind(String label, String description) {
    this.label = label;
    this.description = description;
  }

  /** Name on the command line. */
  public String label() {
    return label;
  }

  /** A few words. */
  public String description() {
    return description;
  }

  /** The workload of this name. */
  public static Optional<WorkloadKind> named(String label) {
    return Arrays.stream(values()).filter(kind -> kind.label.equals(label)).findFirst();
  }

  /** All names. */
  public static List<String> labels() {
    return Arrays.stream(values()).map(WorkloadKind::label).toList();
  }
}
