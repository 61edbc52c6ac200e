package io.antiphon.train.report;

/**
 * A piece of a text that a model generates, in whole characters.
 *
 * @param piece follows the one before
 */
public record GeneratedText(String piece) implements RunReport {
  @Override
  public void deliver(RunReports to) {
    to.generated(this);
  }
}
