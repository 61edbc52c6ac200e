package io.antiphon.conf;

import java.io.Serializable;
import java.util.List;

/**
 * The complete, validated settings of one run.
 *
 * <p>The meaning, limits and default of each component stand in its annotation and, rendered, in
 * {@code docs/configuration.md}. An instance that exists has passed every check, the ones across
 * keys included. Settings travel between processes as their own HOCON text, so a Spark task may
 * capture them.
 *
 * @see SettingsReader
 * @see SettingsWriter
 */
public record Settings(
    @Key(
            doc = "Name of the run, shown in reports and as the Spark application's name",
            byDefault = "run",
            pattern = "[A-Za-z0-9][A-Za-z0-9._-]{0,99}",
            form =
                "1 to 100 letters, digits, dots, dashes or underscores, starting with a letter or"
                    + " digit",
            resume = Resume.FREE)
        String name,
    @Key(
            doc = "Seed of initialisation, sequence order and every other random draw",
            megatron = "--seed",
            byDefault = "1234",
            min = 0)
        long seed,
    @Key(doc = "The shape of the transformer") Model model,
    @Key(doc = "The experts and their router") Moe moe,
    @Key(doc = "Where the text comes from and how it becomes sequences") Data data,
    @Key(doc = "AdamW and the ends of its learning rate") Optimizer optimizer,
    @Key(doc = "How long to train, and in which batches") Schedule schedule,
    @Key(doc = "How many ranks there are and how they form groups") Parallelism parallelism,
    @Key(doc = "What computes") Backend backend,
    @Key(doc = "What is saved, and when") Checkpoint checkpoint,
    @Key(doc = "What is shown and logged") Monitor monitor,
    @Key(doc = "The Spark application around the ranks") Spark spark)
    implements Serializable {

  /** Checks the keys of this record, then the rules across all of them. */
  public Settings {
    Limits.require(
        Settings.class,
        name,
        seed,
        model,
        moe,
        data,
        optimizer,
        schedule,
        parallelism,
        backend,
        checkpoint,
        monitor,
        spark);
  }

  /**
   * A SHA-256, in hexadecimal, of every key that must not change on resume: equal for two settings
   * whose training is the same, wherever and however fast it runs.
   */
  public String fingerprint() {
    return Fingerprint.of(Values.of(this));
  }

  /**
   * The keys in which a run with these settings could not continue one that was started with {@code
   * earlier}; empty if it can.
   */
  public List<Difference> differencesFrom(Settings earlier) {
    return Difference.between(Values.of(earlier), Values.of(this), true);
  }

  /**
   * Fails unless a run with these settings may continue one that was started with {@code earlier}.
   *
   * @param runDirectory where the earlier run lives, as the user knows it
   * @throws ConfigException with one problem per key that differs, such as "cannot resume:
   *     model.hidden was 128, now 256"
   */
  public void requireResumes(Settings earlier, String runDirectory) {
    requireNone(differencesFrom(earlier), runDirectory);
  }

  /**
   * Does what {@link #requireResumes} does, for a caller that compares the content of data and
   * tokenizer itself: it may lie elsewhere now.
   *
   * @throws ConfigException with one problem per other key that differs
   */
  public void requireResumesElsewhere(Settings earlier, String runDirectory) {
    requireNone(Difference.between(Values.of(earlier), Values.of(this), false), runDirectory);
  }

  private static void requireNone(List<Difference> differences, String runDirectory) {
    if (!differences.isEmpty()) {
      throw new ConfigException(
          differences.stream().map(difference -> difference.problem(runDirectory)).toList());
    }
  }

  /**
   * These settings with single keys replaced; secrets stay what they are.
   *
   * @param overrides as for {@link SettingsReader#file}
   */
  public Settings with(List<String> overrides) {
    return SettingsReader.text("settings", SettingsWriter.renderWithSecrets(this), overrides);
  }

  private Object writeReplace() {
    return new Wire(SettingsWriter.renderWithSecrets(this));
  }

  /** The serialized form. */
  private record Wire(String hocon) implements Serializable {
    private Object readResolve() {
      return SettingsReader.text("serialized settings", hocon, List.of());
    }
  }
}
