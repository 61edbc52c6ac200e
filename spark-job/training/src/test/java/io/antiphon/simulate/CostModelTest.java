package io.antiphon.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import io.antiphon.plan.NoClonesPlanner;
import io.antiphon.plan.OneShotPlanner;
import io.antiphon.plan.PlanShape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class CostModelTest {
  /** Round numbers: 1000 flop/s, 10 bytes/s inside a node, 2 between; one pass, one transfer. */
  private static final CostModel ROUND =
      new CostModel(2000, 0.5, 4, 1, 10, 2, 1, 1, 1, 0, false, 0, 0.5);

  private static final CostModel.ExpertSize SMALL = new CostModel.ExpertSize(1, 1); // 3 parameters

  /**
   * Worked by hand. Two ranks on two nodes, an expert each; rank 0 has 10 assignments of expert 1,
   * rank 1 none. Rank 1 computes 10 rows in tiles of 4: 12 rows x 2 x 3 flop / 1000 = 0.072 s, and
   * receives 10 rows x 1 byte at 2 bytes/s: 5 s. Nothing is planned.
   */
  @Test
  void theWorkedExample() {
    RankFlow flow = new RankFlow(new Topology(2, 1), 1, false);
    new Competitor.Planned(new NoClonesPlanner(new PlanShape(2, 2, 0)), 3)
        .place(new int[] {0, 10, 0, 0}, Eplb.Placement.NONE, flow);
    assertThat(flow.loads()).containsExactly(0, 10);
    CostModel.Time time = ROUND.time(flow, SMALL, false);
    assertThat(time.seconds()).isCloseTo(5.072, offset(1e-12));
    assertThat(time.gemmSeconds()).isCloseTo(0.072, offset(1e-12));
    assertThat(flow.tokenRows().between()).isEqualTo(10);
    assertThat(flow.tokenRows().inside()).isZero();
  }

  /**
   * The same with a slot each on one node. The average is 5: one-shot moves 5 to rank 0. Rank 1: 5
   * rows are 8 with tiles, 0.048 s; 5 rows in, 0.5 s; 3 bytes of weights out, 0.3 s. Rank 0: the
   * same work and the other ends of the same transfers. With 0.5 s for the plan.
   */
  @Test
  void aCloneCostsItsWeights() {
    RankFlow flow = new RankFlow(new Topology(2, 2), 2, false);
    Competitor.Effort effort =
        new Competitor.Planned(new OneShotPlanner(new PlanShape(2, 2, 1)), ROUND.cloneBytes(SMALL))
            .place(new int[] {0, 10, 0, 0}, Eplb.Placement.NONE, flow);
    assertThat(effort.clones()).isEqualTo(1);
    assertThat(flow.loads()).containsExactly(5, 5);
    assertThat(flow.weightBytes().inside()).isEqualTo(3);
    assertThat(ROUND.time(flow, SMALL, true).seconds())
        .isCloseTo(0.048 + 0.5 + 0.3 + 0.5, offset(1e-12));
  }

  /** Ranks 0, 1 | 2, 3 with home 0: a star sends three copies, relaying one over each link. */
  @Test
  void relayingSendsOnceOverEachKindOfLink() {
    RankFlow star = new RankFlow(new Topology(4, 2), 1, false);
    RankFlow relay = new RankFlow(new Topology(4, 2), 1, true);
    for (int rank = 1; rank < 4; rank++) {
      star.weights(0, 0, rank, 100);
      relay.weights(0, 0, rank, 100);
    }
    assertThat(star.weightBytes().busierInside(0)).isEqualTo(100);
    assertThat(star.weightBytes().busierBetween(0)).isEqualTo(200);
    assertThat(relay.weightBytes().busierInside(0)).isEqualTo(100);
    assertThat(relay.weightBytes().busierBetween(0)).isEqualTo(100);
    assertThat(star.weightBytes().between()).isEqualTo(200);
    assertThat(relay.weightBytes().between()).isEqualTo(100); // rank 3 gets it from rank 2
    assertThat(relay.weightBytes().inside()).isEqualTo(200);
  }

  @Test
  void weightsHideBehindTheGemm() {
    CostModel hiding = new CostModel(2000, 0.5, 4, 1, 10, 2, 1, 1, 1, 0, false, 1, 0);
    RankFlow flow = new RankFlow(new Topology(1, 1), 1, false);
    flow.rows(0, 0, 0, 4000); // 24 s
    flow.weights(0, 0, 0, 100); // 10 s, as if to a neighbour
    assertThat(hiding.time(flow, SMALL, false).seconds()).isCloseTo(24, offset(1e-9));
  }

  @Test
  void perfectBalanceGivesEveryRankTheSame() {
    RankFlow flow = new RankFlow(new Topology(3, 3), 2, true);
    int[] counts = new int[18];
    counts[0] = 100;
    counts[13] = 7;
    new Competitor.Perfect(new PlanShape(3, 6, 0)).place(counts, Eplb.Placement.NONE, flow);
    assertThat(flow.loads()).containsExactlyInAnyOrder(36, 36, 35);
  }

  @Test
  void theShippedConstantsAreWhatTheDocumentSays() {
    CostModel cost = CostFile.defaults();
    assertThat(cost.peakFlops()).isEqualTo(989.5e12);
    assertThat(cost.insideBytesPerSecond()).isEqualTo(450e9);
    assertThat(cost.betweenBytesPerSecond()).isEqualTo(50e9);
    assertThat(cost.rowBytes(new CostModel.ExpertSize(7168, 2048))).isEqualTo(7168 * 2 * 4);
    assertThat(cost.cloneBytes(new CostModel.ExpertSize(7168, 2048)))
        .isEqualTo(3L * 7168 * 2048 * 6);
  }

  @Test
  void aFileOverridesSingleConstants(@TempDir Path directory) throws IOException {
    Path file =
        Files.writeString(directory.resolve("my.conf"), "links.between-bytes-per-second = 25e9");
    CostModel cost = CostFile.read(file);
    assertThat(cost.betweenBytesPerSecond()).isEqualTo(25e9);
    assertThat(cost.insideBytesPerSecond()).isEqualTo(450e9);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "gemm.pear = 1; unknown keys [gemm.pear]",
        "gemm.efficiency = 2; gemm.efficiency must be in",
        "gemm.efficiency = much; gemm.efficiency is not a number",
        "gemm.tile-rows = 1.5; gemm.tile-rows must be a whole number",
        "weights.relay = perhaps; weights.relay must be true or false",
        "gemm {; cannot be read as HOCON"
      })
  void aBadFileIsExplained(String text, String message, @TempDir Path directory)
      throws IOException {
    Path file = Files.writeString(directory.resolve("bad.conf"), text);
    assertThatThrownBy(() -> CostFile.read(file))
        .hasMessageStartingWith(file + ": ")
        .hasMessageContaining(message);
  }

  @Test
  void aMissingFileIsExplained(@TempDir Path directory) {
    assertThatThrownBy(() -> CostFile.read(directory.resolve("none.conf")))
        .hasMessageContaining("cannot be read");
  }

  /** Nothing outside the file can change its meaning, and nothing is fetched. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "include url(\"http://127.0.0.1:9/x.conf\")",
        "include \"missing.conf\"",
        "include file(\"/etc/hostname\")",
        "plan-seconds = ${PATH}",
        "plan-seconds = ${?NOT_SET_ANYWHERE}"
      })
  void aFileOfConstantsStandsForItself(String text, @TempDir Path directory) throws IOException {
    Path file = Files.writeString(directory.resolve("my.conf"), text);
    assertThatThrownBy(() -> CostFile.read(file))
        .isInstanceOf(OptionException.class)
        .hasMessageStartingWith(file.toString())
        .hasMessageContaining("here. Write keys as in cost.conf.");
  }

  @Test
  void aHugeOrHostileFileOfConstantsIsRefusedInAShortLine(@TempDir Path directory)
      throws IOException {
    for (String text :
        List.of(
            "x".repeat(140_000) + " = 1",
            "\"\\u001b[2J\" = 1",
            "plan-seconds = \"\\u001b[2J" + "y".repeat(140_000) + "\"",
            "a={".repeat(1_000),
            "#" + " ".repeat(1 << 20))) {
      Path file = Files.writeString(directory.resolve("my.conf"), text);
      assertThatThrownBy(() -> CostFile.read(file))
          .isInstanceOf(OptionException.class)
          .hasMessageMatching("\\P{Cntrl}{1,1500}");
    }
    assertThatThrownBy(() -> CostFile.read(Path.of("/dev/zero")))
        .isInstanceOf(OptionException.class);
  }
}
