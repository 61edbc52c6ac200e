package io.antiphon.conf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RedactionTest {
  private static final String SECRET = "S3CRETKEY/+=";
  private static final String NAME = "spark.hadoop.fs.s3a.secret.key";
  private static final String ASSIGNMENT = "spark.properties.\"" + NAME + "\"=" + SECRET;

  @ParameterizedTest
  @CsvSource({
    "spark.hadoop.fs.s3a.secret.key, x, true",
    "spark.hadoop.fs.s3a.access.key, x, true",
    "spark.hadoop.fs.s3a.session.token, x, true",
    "spark.authenticate.secret, x, true",
    "spark.ssl.keyStorePassword, x, true",
    "spark.hadoop.fs.azure.account.key.mine.blob.core.windows.net, x, true",
    "spark.hadoop.fs.gs.auth.service.account.private.key, x, true",
    "spark.executor.extraJavaOptions, -Djavax.net.ssl.trustStorePassword=x, true",
    "spark.hadoop.fs.s3a.aws.credentials.provider,"
        + " org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider, false",
    "spark.security.credentials.hive.enabled, false, false",
    "spark.sql.shuffle.partitions, 64, false",
  })
  void hidesWhatSparkHidesAndWhatStorageCallsAKey(String name, String value, boolean hidden) {
    assertThat(Redaction.of(Map.of()).hides(name, value)).isEqualTo(hidden);
  }

  @Test
  void takesTheUsersOwnRuleInPlaceOfTheDefault() {
    Settings settings =
        Sample.with(
            "spark.properties.spark.redaction.regex=pin$",
            "spark.properties.spark.door.pin=1234",
            "spark.properties.spark.door.secret=open");
    assertThat(SettingsWriter.render(settings))
        .contains("\"spark.door.pin\" = \"" + Redaction.PLACEHOLDER + "\"")
        .contains("\"spark.door.secret\" = \"open\"")
        .contains("\"spark.redaction.regex\" = \"pin$\"");
    assertThat(Sample.problemWith("spark.properties.spark.redaction.regex=(").limit())
        .startsWith("must be a regular expression");
  }

  @Test
  void keepsSecretsFromFilesButNotFromTheProcessesOfTheRun() throws Exception {
    Settings settings = Sample.with(ASSIGNMENT, "spark.properties.spark.a=1");
    String text = SettingsWriter.render(settings);
    assertThat(text)
        .doesNotContain(SECRET)
        .contains("\"" + NAME + "\" = \"*********(redacted)\"")
        .contains("\"spark.a\" = \"1\"")
        .contains("# Secrets are left out");
    assertThat(settings.with(List.of("seed=3")).spark()).isEqualTo(settings.spark());
    assertThat(sent(settings)).isEqualTo(settings);
  }

  private static Object sent(Object value) throws IOException, ClassNotFoundException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(value);
    }
    try (ObjectInputStream in =
        new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
      return in.readObject();
    }
  }

  @Test
  void aRunResumesWithItsSecretsGivenAgainAndOnlyThen() {
    Settings before = Sample.with(ASSIGNMENT);
    Settings kept = SettingsReader.text("checkpoint", SettingsWriter.render(before), List.of());
    before.requireResumes(kept, "runs/a");

    assertThatThrownBy(() -> Redaction.requireGiven(kept.spark().properties()))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("spark.properties.\"" + NAME + "\"")
        .hasMessageContaining("must be given again")
        .hasMessageContaining("--set 'spark.properties.\"" + NAME + "\"=VALUE'");
    Redaction.requireGiven(before.spark().properties());
    Settings again = SettingsReader.text("c", SettingsWriter.render(before), List.of(ASSIGNMENT));
    assertThat(again).isEqualTo(before);
  }

  @Test
  void errorsDoNotShowSecrets() {
    List<String> sources =
        List.of(
            "spark.hadoop.fs.s3a.secret.key=" + SECRET, // forgot spark.properties
            "spark.properties.hadoop.fs.s3a.secret.key=" + SECRET, // forgot spark.
            "spark.properties.spark.master=spark://h:1?token=" + SECRET);
    for (String assignment : sources) {
      List<Problem> problems = Sample.problemsWith(assignment);
      assertThat(problems).as(assignment).hasSize(1);
      assertThat(new ConfigException(problems)).hasMessageContaining("redacted");
      assertThat(new ConfigException(problems).getMessage()).doesNotContain(SECRET);
      assertThat(problems.toString()).doesNotContain(SECRET);
    }
    for (String line :
        List.of(
            "spark.properties { \"" + NAME + "\" = \"" + SECRET + "\" \"x\" : : }",
            "spark.properties.\"" + NAME + "\" = [\"" + SECRET + "\"]",
            "spark.properties {\n  \"" + NAME + "\" =\n " + SECRET + " : = }")) {
      List<Problem> problems = Sample.problemsOf(Sample.FILE + line + "\n");
      assertThat(new ConfigException(problems).getMessage()).as(line).doesNotContain("S3CRET");
    }
  }

  @Test
  void ownKeysAreNoSecretsWhateverTheirNames() {
    assertThat(Sample.problemWith("data.tokenizr=x").value()).isEqualTo("x");
    assertThat(Sample.problemWith("data.tokenizer=").key()).isEqualTo("data.tokenizer");
  }
}
