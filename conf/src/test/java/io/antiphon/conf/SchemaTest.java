package io.antiphon.conf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class SchemaTest {
  @Test
  void everyKeyHasADefaultOrAnExampleThatIsValid() {
    assertThat(Schema.KEYS.values())
        .allSatisfy(
            key -> {
              if (!key.key().byDefault().isEmpty()) {
                assertThat(key.parse(key.key().byDefault())).as(key.path()).isPresent();
              }
              if (key.required()) {
                assertThat(key.parse(key.key().example())).as(key.path()).isPresent();
              }
            });
  }

  @Test
  void everyKeyIsDocumentedOnceAndWithoutAFullStop() {
    assertThat(Schema.KEYS.values())
        .allSatisfy(
            key -> assertThat(key.key().doc()).as(key.path()).isNotBlank().doesNotEndWith("."))
        .allSatisfy(
            key -> {
              if (key.optional()) {
                assertThat(key.key().absent()).as(key.path()).isNotBlank();
              }
            });
  }

  @Test
  void derivedDefaultsReadPlainSiblings() {
    List<SettingKey> derived =
        Schema.KEYS.values().stream().filter(key -> !key.key().derived().isEmpty()).toList();

    assertThat(derived).isNotEmpty();
    assertThat(derived)
        .allSatisfy(
            key ->
                assertThat(Derivation.of(key).keys())
                    .isNotEmpty()
                    .allSatisfy(source -> assertThat(Schema.key(source).required()).isTrue()));
  }

  @Test
  void noTwoKeysHaveTheSameMegatronFlag() {
    assertThat(Schema.KEYS.values().stream().flatMap(key -> key.flags().stream()))
        .doesNotHaveDuplicates()
        .allSatisfy(flag -> assertThat(flag).matches("--[a-z0-9-]+"));
  }

  @Test
  void namesAreKebabCase() {
    assertThat(Schema.KEYS).containsKeys("model.key-value-heads", "optimizer.beta1", "moe.top-k");
    assertThat(Schema.GROUPS).containsKeys("", "moe.echo");
  }

  @Test
  void unknownPlacesAreBugs() {
    assertThatIllegalArgumentException().isThrownBy(() -> Schema.key("model.width"));
    assertThatIllegalArgumentException().isThrownBy(() -> Schema.group(String.class));
    assertThatIllegalArgumentException().isThrownBy(() -> ValueKind.of(Object.class));
  }

  @Test
  void optionalTextIsPresentOrNone() {
    SettingKey dir = Schema.key("checkpoint.dir");

    assertThat(dir.show(Optional.of("/c"))).isEqualTo("/c");
    assertThat(dir.show(Optional.empty())).isEqualTo("(none)");
  }
}
