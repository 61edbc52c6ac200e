package io.antiphon.conf;

import static io.antiphon.conf.Rule.divisorUpTo;
import static io.antiphon.conf.Rule.roundUp;
import static io.antiphon.conf.Rule.set;

import io.antiphon.conf.Rule.Finding;
import java.math.BigInteger;
import java.util.List;
import java.util.stream.Stream;

/** Rules about the shape of the network and how it is cut over the ranks. */
final class ShapeRules {
  static final List<Rule> ALL =
      List.of(
          new Rule(
              "model.attention-heads is a multiple of model.key-value-heads.",
              List.of("model.attention-heads", "model.key-value-heads"),
              ShapeRules::headsShareEvenly),
          new Rule(
              "model.dense-layers is at most model.layers.",
              List.of("model.dense-layers", "model.layers"),
              ShapeRules::denseLayersExist),
          new Rule(
              "moe.top-k is at most moe.experts, unless there are none.",
              List.of("moe.top-k", "moe.experts"),
              ShapeRules::enoughExperts),
          new Rule(
              "parallelism.ranks is a multiple of parallelism.expert-parallel.",
              List.of("parallelism.ranks", "parallelism.expert-parallel"),
              ShapeRules::groupsAreFull),
          new Rule(
              "moe.experts is a multiple of parallelism.expert-parallel.",
              List.of("moe.experts", "parallelism.expert-parallel", "parallelism.ranks"),
              ShapeRules::expertsShareEvenly),
          new Rule(
              "With ECHO, moe.echo.slots-per-rank is at most moe.experts.",
              List.of("moe.echo.enabled", "moe.echo.slots-per-rank", "moe.experts"),
              ShapeRules::slotsHaveExperts),
          new Rule(
              "With ECHO, the planner bin-packing takes moe.echo.slots-per-rank = 1.",
              List.of(
                  "moe.echo.enabled", "moe.echo.slots-per-rank", "moe.echo.planner", "moe.experts"),
              ShapeRules::planner),
          new Rule(
              "With ECHO, moe.echo.reuse-clones takes the planner balanced.",
              List.of(
                  "moe.echo.enabled", "moe.echo.reuse-clones", "moe.echo.planner", "moe.experts"),
              ShapeRules::reuse),
          new Rule(
              "moe.echo.min-quota-across-nodes is 0 or at least moe.echo.min-quota.",
              List.of("moe.echo.min-quota", "moe.echo.min-quota-across-nodes"),
              ShapeRules::quotas),
          new Rule(
              "The assignments of one micro-batch in an expert-parallel group, schedule.micro-batch"
                  + " * model.sequence-length * moe.top-k * parallelism.expert-parallel, are at"
                  + " most 2147483647.",
              List.of(
                  "schedule.micro-batch",
                  "model.sequence-length",
                  "moe.top-k",
                  "moe.experts",
                  "parallelism.expert-parallel"),
              ShapeRules::assignmentsCount));

  private ShapeRules() {}

  private static Stream<Finding> headsShareEvenly(Values values) {
    long heads = values.whole("model.attention-heads");
    long keyValueHeads = values.whole("model.key-value-heads");
    if (heads % keyValueHeads == 0) {
      return Stream.empty();
    }
    return Stream.of(
        new Finding(
            "model.key-value-heads",
            "must divide model.attention-heads (" + heads + ")",
            set("model.key-value-heads", divisorUpTo(keyValueHeads, heads))));
  }

  private static Stream<Finding> denseLayersExist(Values values) {
    long layers = values.whole("model.layers");
    if (values.whole("model.dense-layers") <= layers) {
      return Stream.empty();
    }
    return Stream.of(
        new Finding(
            "model.dense-layers",
            "must be at most model.layers (" + layers + ")",
            set("model.dense-layers", layers) + " or less"));
  }

  private static Stream<Finding> enoughExperts(Values values) {
    long experts = values.whole("moe.experts");
    long topK = values.whole("moe.top-k");
    if (experts == 0 || topK <= experts) {
      return Stream.empty();
    }
    return Stream.of(
        new Finding(
            "moe.top-k",
            "must be at most moe.experts (" + experts + ")",
            set("moe.top-k", experts) + " or less, or moe.experts = " + topK + " or more"));
  }

  private static Stream<Finding> groupsAreFull(Values values) {
    long ranks = values.whole("parallelism.ranks");
    long group = values.whole("parallelism.expert-parallel");
    if (ranks % group == 0) {
      return Stream.empty();
    }
    long experts = values.known(List.of("moe.experts")) ? values.whole("moe.experts") : 0;
    return Stream.of(
        new Finding(
            "parallelism.expert-parallel",
            "must divide parallelism.ranks (" + ranks + ")",
            set("parallelism.expert-parallel", divisorUpTo(group, common(ranks, experts)))
                + ", or parallelism.ranks = "
                + roundUp(ranks, group)));
  }

  private static Stream<Finding> expertsShareEvenly(Values values) {
    long experts = values.whole("moe.experts");
    long group = values.whole("parallelism.expert-parallel");
    if (experts % group == 0) {
      return Stream.empty();
    }
    long ranks = values.whole("parallelism.ranks");
    return Stream.of(
        new Finding(
            "moe.experts",
            "must be a multiple of parallelism.expert-parallel (" + group + ")",
            set("moe.experts", roundUp(experts, group))
                + ", or parallelism.expert-parallel = "
                + divisorUpTo(group, common(ranks, experts))));
  }

  private static Stream<Finding> slotsHaveExperts(Values values) {
    long experts = values.whole("moe.experts");
    if (!echo(values) || values.whole("moe.echo.slots-per-rank") <= experts) {
      return Stream.empty();
    }
    return Stream.of(
        new Finding(
            "moe.echo.slots-per-rank",
            "must be at most moe.experts (" + experts + ")",
            set("moe.echo.slots-per-rank", experts) + " or less"));
  }

  private static Stream<Finding> planner(Values values) {
    boolean binPacking = values.component("moe.echo.planner") == Echo.Planner.BIN_PACKING;
    if (!echo(values) || !binPacking || values.whole("moe.echo.slots-per-rank") == 1) {
      return Stream.empty();
    }
    return Stream.of(
        new Finding(
            "moe.echo.slots-per-rank",
            "must be 1 with moe.echo.planner = bin-packing",
            set("moe.echo.slots-per-rank", 1) + ", or moe.echo.planner = balanced"));
  }

  private static Stream<Finding> reuse(Values values) {
    boolean balanced = values.component("moe.echo.planner") == Echo.Planner.BALANCED;
    if (!echo(values) || balanced || !values.flag("moe.echo.reuse-clones")) {
      return Stream.empty();
    }
    return Stream.of(
        new Finding(
            "moe.echo.planner",
            "must be balanced with moe.echo.reuse-clones = true",
            "set moe.echo.planner = balanced, or moe.echo.reuse-clones = false"));
  }

  private static Stream<Finding> quotas(Values values) {
    long across = values.whole("moe.echo.min-quota-across-nodes");
    long within = values.whole("moe.echo.min-quota");
    if (across == 0 || across >= within) {
      return Stream.empty();
    }
    return Stream.of(
        new Finding(
            "moe.echo.min-quota-across-nodes",
            "must be at least moe.echo.min-quota (" + within + ")",
            set("moe.echo.min-quota-across-nodes", within) + " or more"));
  }

  private static Stream<Finding> assignmentsCount(Values values) {
    long microBatch = values.whole("schedule.micro-batch");
    BigInteger perSequence =
        Stream.of("model.sequence-length", "moe.top-k", "parallelism.expert-parallel")
            .map(key -> BigInteger.valueOf(values.whole(key)))
            .reduce(BigInteger.ONE, BigInteger::multiply);
    BigInteger most = BigInteger.valueOf(Integer.MAX_VALUE).divide(perSequence);
    if (values.whole("moe.experts") == 0 || BigInteger.valueOf(microBatch).compareTo(most) <= 0) {
      return Stream.empty();
    }
    return Stream.of(
        new Finding(
            "schedule.micro-batch",
            "must be smaller: a group counts its assignments, micro-batch * sequence-length * top-k"
                + " * expert-parallel, in 31 bits",
            most.signum() > 0
                ? set("schedule.micro-batch", most) + " or less"
                : "set a shorter model.sequence-length; even one sequence is too much"));
  }

  private static boolean echo(Values values) {
    return values.flag("moe.echo.enabled") && values.whole("moe.experts") > 0;
  }

  private static long common(long one, long other) {
    return BigInteger.valueOf(one).gcd(BigInteger.valueOf(other)).longValue();
  }
}
