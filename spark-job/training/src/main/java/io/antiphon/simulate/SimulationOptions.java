package io.antiphon.simulate;

import io.antiphon.plan.BalanceOptions;
import io.antiphon.plan.PlanShape;
import io.antiphon.plan.PlannerKind;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What to compare and how.
 *
 * @param names planners by name, and {@code eplb}; {@code none} and {@code perfect} always take
 *     part
 * @param slotsPerRank spare slots of each rank to try
 * @param planner tolerance, node size and minimum quota of the planners
 * @param size sizes of the experts
 * @param cost constants of the cost model
 * @param eplbPeriod steps between two plans of EPLB
 * @param eplbHistory past steps it looks at
 * @param threads workers; results do not depend on it
 */
public record SimulationOptions(
    List<String> names,
    List<Integer> slotsPerRank,
    BalanceOptions planner,
    CostModel.ExpertSize size,
    CostModel cost,
    int eplbPeriod,
    int eplbHistory,
    int threads) {
  /** Most entries of the send plan of one contender; bounds memory. */
  static final long MAX_PLAN_ENTRIES = 1L << 24;

  private static final int MAX_HISTORY = 1000;

  public SimulationOptions {
    names = List.copyOf(names);
    slotsPerRank = List.copyOf(slotsPerRank);
    Limits.require("--eplb-period", eplbPeriod, 1, 1_000_000);
    Limits.require("--eplb-history", eplbHistory, 1, MAX_HISTORY);
    Limits.require("--threads", threads, 1, 1024);
    Limits.require("--ranks-per-node", planner.ranksPerNode(), 1, WorkloadOptions.MAX_RANKS);
    for (String name : names) {
      if (!contenderNames().contains(name)) {
        throw Limits.bad(
            "--planners: %s is none of %s. Choose from these, separated by commas.",
            name, contenderNames());
      }
    }
  }

  /** All contenders that can take part. */
  public static List<String> contenderNames() {
    List<String> names = new ArrayList<>(PlannerKind.labels());
    names.add(Contender.EPLB);
    names.add(Contender.PERFECT);
    return names;
  }

  /**
   * The contenders of a group of this size: the baseline first, perfect balance last.
   *
   * @throws OptionException if slots do not fit the group
   */
  List<Contender> contenders(int ranks, int experts) {
    List<Contender> contenders = new ArrayList<>();
    contenders.add(new Contender(PlannerKind.NONE.label(), 0, Optional.of(PlannerKind.NONE)));
    for (int slots : slotsPerRank) {
      Limits.require("--slots-per-rank", slots, 1, experts);
      long entries = (long) ranks * ranks * slots;
      if (entries > MAX_PLAN_ENTRIES) {
        throw Limits.bad(
            "--slots-per-rank %d with %d ranks makes plans of %d x %d x %d = %d entries; the limit"
                + " is %d. Lower --slots-per-rank.",
            slots, ranks, ranks, ranks, slots, entries, MAX_PLAN_ENTRIES);
      }
      for (PlannerKind kind : PlannerKind.values()) {
        if (names.contains(kind.label()) && kind.accepts(slots)) {
          contenders.add(new Contender(kind.label(), slots, Optional.of(kind)));
        }
      }
      if (names.contains(Contender.EPLB)) {
        contenders.add(new Contender(Contender.EPLB, slots, Optional.empty()));
      }
    }
    contenders.add(new Contender(Contender.PERFECT, 0, Optional.empty()));
    return contenders;
  }

  /** The competitor itself; one for each thread. */
  Competitor competitor(Contender contender, int ranks, int experts) {
    PlanShape shape = new PlanShape(ranks, experts, contender.slotsPerRank());
    long cloneBytes = cost.cloneBytes(size);
    if (contender.planner().isPresent()) {
      return new Competitor.Planned(
          contender.planner().orElseThrow().create(shape, planner), cloneBytes);
    }
    return contender.name().equals(Contender.EPLB)
        ? new Competitor.Replicated(shape, cloneBytes, size.parameters() * cost.weightBytes())
        : new Competitor.Perfect(shape);
  }
}
