package io.antiphon.job.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.antiphon.conf.ConfigException;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a user sets does not open a local cluster to others. */
class ClusterSecurityTest {
  @ParameterizedTest
  @CsvSource({
    "spark.authenticate, false, is always true with spark.cluster",
    "spark.ui.killEnabled, true, is always false with spark.cluster",
    "spark.authenticate.secret, ' ', must not be empty"
  })
  void whatWouldLetOthersInIsRefused(String property, String value, String complaint) {
    assertThatThrownBy(() -> new ClusterSecurity(Map.of(property, value)))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("spark.properties." + property)
        .hasMessageContaining(complaint)
        .hasMessageContaining("-> remove the property");
  }

  @Test
  void theUsersFilterComesAfterOurs() {
    ClusterSecurity security = new ClusterSecurity(Map.of("spark.ui.filters", "my.Filter"));

    assertThat(security.applicationProperties())
        .containsEntry("spark.ui.filters", SecretFilter.class.getName() + ",my.Filter")
        .containsEntry("spark.authenticate", "true")
        .containsEntry("spark.ui.killEnabled", "false")
        .containsEntry("spark.ui.enabled", "false");
  }

  @Test
  void daemonsSpeakAsTheApplicationDoesAndTheirCommandLineHoldsNoSecret() {
    ClusterSecurity security =
        new ClusterSecurity(
            Map.of(
                "spark.authenticate.secret", "s3cret",
                "spark.network.crypto.enabled", "true",
                "spark.ui.enabled", "true"));

    assertThat(security.daemonOptions())
        .contains(
            "-Dspark.authenticate=true",
            "-Dspark.network.crypto.enabled=true",
            "-Dspark.master.rest.enabled=false")
        .noneMatch(option -> option.contains("s3cret"));
    assertThat(security.secret()).isEqualTo("s3cret");
    assertThat(security.applicationProperties()).containsEntry("spark.ui.enabled", "true");
  }

  @Test
  void everyClusterHasASecretOfItsOwn() {
    String secret = new ClusterSecurity(Map.of()).secret();

    assertThat(secret).hasSize(64).isNotEqualTo(new ClusterSecurity(Map.of()).secret());
    assertThat(PagePassword.of(secret).value()).hasSize(64).isNotEqualTo(secret);
  }

  @Test
  void theAddressForABrowserHoldsThePassword() {
    PagePassword password = PagePassword.of("s3cret");

    assertThat(password.openedBy("http://127.0.0.1:4040"))
        .isEqualTo("http://antiphon:" + password.value() + "@127.0.0.1:4040");
  }
}
