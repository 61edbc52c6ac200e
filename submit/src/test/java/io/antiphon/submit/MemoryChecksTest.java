package io.antiphon.submit;

import static org.assertj.core.api.Assertions.assertThat;

import io.antiphon.conf.Settings;
import io.antiphon.conf.SettingsReader;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What {@code doctor} says about the memory of a run, on GPUs of any size. */
class MemoryChecksTest {
  private static final long GIB = 1L << 30;

  private static Settings billion(String... overrides) {
    return SettingsReader.preset("moe-1b", List.of(overrides));
  }

  private static List<Finding> check(Settings settings, double free, double total) {
    GpuChecks.GpuMemory gpu =
        new GpuChecks.GpuMemory("Fake (device 0)", (long) (free * GIB), (long) (total * GIB));
    return new MemoryChecks(settings, 0).all(Optional.of(gpu), 1);
  }

  @Test
  void theBillionParameterPresetFitsAnEmptyGpuOf80Gigabytes() {
    List<Finding> findings = check(billion(), 78.5, 79.2);

    assertThat(findings)
        .extracting(Finding::name)
        .containsExactly("memory plan", "GPU memory", "checkpoints");
    assertThat(findings.get(0).found())
        .matches(
            "in GiB: 1,034,050,560 parameters; parameter 1\\.\\d+, .*, in all 27\\.\\d+ GiB, .*");
    assertThat(findings.get(1))
        .isEqualTo(
            Finding.ok("GPU memory", "1 rank on a GPU needs 27.9 GiB, 78.5 of 79.2 GiB are free"));
  }

  @Test
  void aGpuThatOthersUseFailsAndSaysSo() {
    Finding memory = check(billion("parallelism.ranks=4"), 40, 79.2).get(1);

    assertThat(memory.status()).isEqualTo(Finding.Status.FAIL);
    assertThat(memory.found())
        .matches("4 ranks on a GPU need 6\\d\\.\\d GiB, 40\\.0 of 79\\.2 GiB are free");
    assertThat(memory.remedy())
        .startsWith(
            "End what else uses the GPU (see nvidia-smi). Lower schedule.micro-batch (now 4)")
        .contains("set model.recompute = true");
  }

  @Test
  void aGpuThatIsTooSmallFailsWithWhatToLower() {
    Finding memory = check(billion(), 23, 24).get(1);

    assertThat(memory.status()).isEqualTo(Finding.Status.FAIL);
    assertThat(memory.remedy()).startsWith("Lower schedule.micro-batch (now 4)");
  }

  @Test
  void ofARunElsewhereThisMachinesGpuIsNoMeasure() {
    assertThat(check(billion("spark.master=yarn"), 8, 8).get(1).status())
        .isEqualTo(Finding.Status.WARN);
  }

  @Test
  void aPlanForCudaNeedsNoGpu() {
    List<Finding> findings = new MemoryChecks(billion(), GIB).all(Optional.empty(), 0);

    assertThat(findings.get(0).found()).contains("1,034,050,560 parameters");
    assertThat(findings.get(1))
        .isEqualTo(Finding.skip("GPU memory", "1 rank on a GPU needs 27.9 GiB"));
  }

  @Test
  void ranksOnTheCpuAreComparedWithTheMachine() {
    Settings quickstart = SettingsReader.preset("quickstart", List.of("backend.kind=cpu"));

    List<Finding> ample = new MemoryChecks(quickstart, 24 * GIB).all(Optional.empty(), 0);
    assertThat(ample).extracting(Finding::name).containsExactly("memory plan", "checkpoints");
    assertThat(ample.get(0).found()).startsWith("each of 4 ranks, GiB: 955,264 parameters;");
    List<Finding> tight = new MemoryChecks(quickstart, GIB / 4).all(Optional.empty(), 0);
    assertThat(tight.get(1).status()).isEqualTo(Finding.Status.WARN);
    assertThat(tight.get(1).found())
        .matches("the ranks need 0\\.\\d GiB outside of the heap, of 0\\.\\d GiB");
  }

  @Test
  void checkpointsAreComparedWithTheDiskTheyGoTo() {
    Finding billion =
        last(billion("checkpoint.every-steps=1", "checkpoint.keep=3", "schedule.steps=50"));
    assertThat(billion.found())
        .matches(
            "one takes 11\\.\\d GiB, up to 4 more will be there at once; .* are free in .*runs");

    // 8 * 512 experts of 3 * 16384 * 65536 parameters: more than any disk has.
    Finding vast = last(billion(VAST));
    assertThat(vast.status()).isEqualTo(Finding.Status.FAIL);
    assertThat(vast.remedy()).contains("checkpoint.dir", "checkpoint.enabled = false");

    assertThat(last(billion("checkpoint.enabled=false")))
        .isEqualTo(Finding.skip("checkpoints", "none will be written: checkpoint.enabled = false"));
    Finding elsewhere = last(billion("checkpoint.dir=s3a://bucket/run"));
    assertThat(elsewhere.status()).isEqualTo(Finding.Status.FAIL);
    assertThat(elsewhere.found()).contains("hadoop-aws");
  }

  private static final String[] VAST = {
    "model.hidden=16384", "model.layers=9", "moe.experts=512", "moe.expert-ffn=65536"
  };

  private static Finding last(Settings settings) {
    List<Finding> findings = new MemoryChecks(settings, 0).all(Optional.empty(), 0);
    return findings.get(findings.size() - 1);
  }

  @Test
  void aTokenizerThatIsNotThereIsNamed() {
    List<Finding> findings =
        new MemoryChecks(billion("data.tokenizer=/none.json"), 0).all(Optional.empty(), 0);

    assertThat(findings).singleElement().extracting(Finding::failed).isEqualTo(true);
    assertThat(findings.get(0).found()).contains("/none.json");
  }
}
