package io.antiphon.train;

/** The weights give no finite numbers any more, and no further step can mend them. */
public final class RuinedModel extends RuntimeException {
  /**
   * @param message what is not finite, and what the user can do
   */
  public RuinedModel(String message) {
    super(message);
  }
}
