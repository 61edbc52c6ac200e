package io.antiphon.train.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

final class RunRecordsTest {

  private static LayerLoad load(int layer, long[] experts, long[] before, long[] after) {
    return new LayerLoad(layer, experts, before, after, 1.5, 1.0, 2, 2, 0);
  }

  private static StepMetrics step(List<LayerLoad> layers) {
    return new StepMetrics(1, 2, 0, 0, 1, 1e-3, 10, 12, 0.5, 0, 0, 0, 0, layers);
  }

  private static RunInfo info(double bytesPerToken) {
    return new RunInfo(
        "run", 4, 2, 8, 2, 3, 1, "one-shot", 10, 16, 8, bytesPerToken, "cpu", 2, 0, Instant.EPOCH);
  }

  @Test
  void aLayerRefusesAPlanThatLostAssignments() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> load(3, new long[] {4, 4}, new long[] {6, 2}, new long[] {4, 3}))
        .withMessage(
            "layer 3 counts 8 assignments over experts, 8 over ranks before planning, 7 after");
  }

  @Test
  void aLayerRefusesNegativeLoads() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> load(0, new long[] {9, -1}, new long[] {8}, new long[] {8}))
        .withMessageContaining("-1");
  }

  @Test
  void aLayerRefusesARatioBelowOne() {
    long[] counts = {1};
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new LayerLoad(0, counts, counts, counts, 0.9, 1, 0, 0, 0))
        .withMessageContaining("0.9");
  }

  @Test
  void aLayerRefusesMoreClonesSentThanThereAre() {
    long[] counts = {1};
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new LayerLoad(3, counts, counts, counts, 1, 1, 2, 3, 0))
        .withMessage("layer 3 has 2 clones, sent 3 and saved 0 bytes");
  }

  @Test
  void aStepAveragesTheImbalanceAndAddsTheClonesOfItsLayers() {
    long[] counts = {2, 2};
    StepMetrics step =
        step(
            List.of(
                new LayerLoad(0, counts, counts, counts, 1.5, 1.0, 2, 1, 100),
                new LayerLoad(2, counts, counts, counts, 2.0, 1.1, 3, 3, 20)));
    assertThat(step.loadBefore()).isEqualTo(1.75);
    assertThat(step.loadAfter()).isEqualTo(1.05);
    assertThat(step.clones()).isEqualTo(5);
    assertThat(step.clonesSent()).isEqualTo(4);
    assertThat(step.weightBytesSaved()).isEqualTo(120);
    assertThat(step.tokensPerSecond()).isEqualTo(24);
  }

  @Test
  void aDenseStepHasNoLoad() {
    assertThat(step(List.of()).loadBefore()).isNaN();
    assertThat(step(List.of()).clones()).isZero();
  }

  @Test
  void aStepRefusesLayersOutOfOrder() {
    long[] counts = {1};
    LayerLoad layer = load(1, counts, counts, counts);
    assertThatIllegalArgumentException().isThrownBy(() -> step(List.of(layer, layer)));
  }

  @Test
  void lossesConvertToBytesAndBits() {
    // Two bytes per token and 2 ln 2 nats per token: one bit per byte.
    assertThat(info(2).bitsPerByte(2 * Math.log(2))).isCloseTo(1, within(1e-15));
    assertThat(info(4).natsPerByte(3)).isEqualTo(0.75);
  }

  @Test
  void aRunRefusesGroupsThatDoNotDivideItsRanks() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                new RunInfo("run", 4, 3, 8, 2, 3, 1, "", 10, 16, 8, 1, "cpu", 2, 0, Instant.EPOCH))
        .withMessage("expertParallel must divide ranks, were 3 and 4");
  }

  @Test
  void recordsTravelBetweenProcesses() throws Exception {
    StepMetrics sent = step(List.of(load(0, new long[] {3, 1}, new long[] {4}, new long[] {4})));
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(sent);
      out.writeObject(info(1));
    }
    try (ObjectInputStream in =
        new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
      assertThat(in.readObject()).usingRecursiveComparison().isEqualTo(sent);
      assertThat(in.readObject()).isEqualTo(info(1));
    }
  }
}
