package io.antiphon.cpu;

import java.util.ArrayList;
import java.util.List;

/** Cases of every operation: odd sizes, empty tensors, and the edges of each operation's data. */
public final class OpCases {
  private OpCases() {}

  /** All cases. */
  public static List<OpCase> all() {
    List<OpCase> cases = new ArrayList<>();
    cases.addAll(MemoryCases.all());
    cases.addAll(DenseCases.all());
    cases.addAll(AttentionCases.all());
    cases.addAll(RouterCases.all());
    cases.addAll(ExpertCases.all());
    cases.addAll(PlanCases.all());
    cases.addAll(TrainingCases.all());
    return cases;
  }

  /**
   * More cases, of sizes that only matter to a backend with vector instructions, tensor cores or
   * several blocks.
   */
  public static List<OpCase> large() {
    List<OpCase> cases = new ArrayList<>();
    cases.addAll(DenseCases.large());
    cases.addAll(AttentionCases.large());
    cases.addAll(RouterCases.large());
    cases.addAll(ExpertCases.large());
    cases.addAll(TrainingCases.large());
    return cases;
  }

  /** The first case of {@code operation} whose name contains {@code part}. */
  public static OpCase of(String operation, String part) {
    return all().stream()
        .filter(each -> each.operation().equals(operation) && each.toString().contains(part))
        .findFirst()
        .orElseThrow();
  }
}
