package io.antiphon.submit;

import io.antiphon.plan.BalanceOptions;
import java.util.Optional;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What the balanced planner aims at, as options of a command. */
final class BalanceArguments {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec = CommandSpec.create();

  @Option(
      names = "--tolerance",
      paramLabel = "X",
      description =
          "Load above the mean that balanced may leave, as a share of the mean; default ${DEFAULT-VALUE}.")
  private double tolerance = 0;

  @Option(
      names = "--min-quota",
      paramLabel = "N",
      description = "Fewest assignments that balanced makes a clone for; default ${DEFAULT-VALUE}.")
  private int minQuota = 1;

  @Option(
      names = "--min-quota-across-nodes",
      paramLabel = "N",
      description = "The same for a clone on another node; default: --min-quota.")
  private Optional<Integer> minQuotaAcrossNodes = Optional.empty();

  /**
   * The options.
   *
   * @param ranksPerNode consecutive ranks that share a node
   * @throws ParameterException if one is out of range
   */
  BalanceOptions options(int ranksPerNode) {
    require(tolerance >= 0 && tolerance <= 1, "--tolerance must be in [0, 1], was " + tolerance);
    require(ranksPerNode >= 1, "--ranks-per-node must be at least 1, was " + ranksPerNode);
    require(minQuota >= 1, "--min-quota must be at least 1, was " + minQuota);
    int across = minQuotaAcrossNodes.orElse(minQuota);
    require(
        across >= minQuota,
        "--min-quota-across-nodes must be at least --min-quota (" + minQuota + "), was " + across);
    return BalanceOptions.EXACT
        .withTolerance((int) Math.round(tolerance * BalanceOptions.MILLION))
        .withRanksPerNode(ranksPerNode)
        .withMinQuota(minQuota, across);
  }

  private void require(boolean holds, String message) {
    if (!holds) {
      throw new ParameterException(spec.commandLine(), message + ".");
    }
  }
}
