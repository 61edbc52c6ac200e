package io.antiphon.conf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class PresetsTest {
  @Test
  void namesAreTheFilesThatAreShipped() throws IOException, URISyntaxException {
    Path directory =
        Path.of(
                Objects.requireNonNull(
                        Presets.class
                            .getClassLoader()
                            .getResource(Presets.DIRECTORY + "quickstart.conf"))
                    .toURI())
            .getParent();

    try (Stream<Path> files = Files.list(Objects.requireNonNull(directory))) {
      assertThat(files.map(file -> file.getFileName().toString()).sorted())
          .containsExactlyInAnyOrderElementsOf(
              Presets.names().stream().map(name -> name + ".conf").toList());
    }
  }

  @Test
  void areValidAndCallTheirRunAfterThemselves() {
    assertThat(Presets.names())
        .allSatisfy(
            name -> assertThat(SettingsReader.preset(name, List.of()).name()).isEqualTo(name));
  }

  @Test
  void summariesAreSentences() {
    assertThat(Presets.names())
        .allSatisfy(name -> assertThat(Presets.summary(name)).matches("[A-Z].*\\."));
  }

  @Test
  void quickstartTrainsASmallModelWithEchoOnFourRanks() {
    Settings quickstart = SettingsReader.preset("quickstart", List.of());

    assertThat(quickstart.parallelism()).isEqualTo(new Parallelism(4, 4));
    assertThat(quickstart.moe().echo())
        .isEqualTo(new Echo(true, 1, Echo.Planner.BALANCED, 0.01, 0, 1, 0, false));
    assertThat(quickstart.data().text()).contains("classpath:corpus");
    assertThat(quickstart.schedule().microBatches(4)).isEqualTo(2);
    assertThat(quickstart.parallelism().groups()).isEqualTo(1);
  }

  /** Its comments say so. */
  @Test
  void moe1bHasABillionParametersAndCanBeCutInFour() {
    Settings settings = SettingsReader.preset("moe-1b", List.of("parallelism.ranks=4"));
    Model model = settings.model();
    long hidden = model.hidden();
    long experts = settings.moe().experts() * 3L * hidden * settings.moe().expertFfn();
    long attention =
        2 * hidden * model.headDim() * (model.attentionHeads() + model.keyValueHeads());
    long router = settings.moe().experts() * hidden;
    long bytes = 257;
    long all =
        model.layers() * (experts + attention + router + 2 * hidden) + 2 * bytes * hidden + hidden;

    assertThat(all).isEqualTo(1_034_050_560);
    assertThat(Presets.text("moe-1b")).contains("1,034,050,560 parameters");
    assertThat(settings.parallelism()).isEqualTo(new Parallelism(4, 4));
    assertThat(settings.schedule().microBatches(4)).isEqualTo(1);
    assertThat(settings.backend().kind()).isEqualTo(Backend.Kind.CUDA);
  }

  @Test
  void ablationsDifferFromTheQuickstartInOneThing() {
    assertThat(SettingsReader.preset("quickstart-no-attention", List.of("name=quickstart")))
        .isEqualTo(SettingsReader.preset("quickstart", List.of("model.attention=false")));
    assertThat(SettingsReader.preset("quickstart-no-echo", List.of("name=quickstart")))
        .isEqualTo(SettingsReader.preset("quickstart", List.of("moe.echo.enabled=false")));
    Settings dense = SettingsReader.preset("quickstart-no-experts", List.of());
    Moe moe = SettingsReader.preset("quickstart", List.of()).moe();
    assertThat(dense.moe().experts()).isZero();
    assertThat(dense.model().denseFfn()).isEqualTo(moe.topK() * moe.expertFfn());
  }

  @Test
  void unknownNamesAreTheUsersError() {
    assertThatThrownBy(() -> SettingsReader.preset("quickstat", List.of()))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("preset quickstat\n    there is no preset of this name\n")
        .hasMessageContaining("did you mean quickstart?");
  }

  @Test
  void aResourceThatIsNotThereIsEmpty() {
    assertThat(Presets.resource("no/such/resource")).isEmpty();
  }
}
