package io.antiphon.conf;

import java.util.List;

/**
 * A key that must not change on resume and did.
 *
 * @param key its path
 * @param before what the run was started with
 * @param now what it is now
 */
public record Difference(String key, String before, String now) {

  /** "model.hidden was 128, now 256". */
  @Override
  public String toString() {
    return key + " was " + before + ", now " + now;
  }

  /**
   * The differences between two settings.
   *
   * @param names whether another name for content that may be the same is one
   */
  static List<Difference> between(Values before, Values now, boolean names) {
    return Schema.KEYS.values().stream()
        .filter(key -> differs(key, before.component(key.path()), now.component(key.path()), names))
        .map(
            key ->
                new Difference(
                    key.path(),
                    key.show(before.component(key.path())),
                    key.show(now.component(key.path()))))
        .toList();
  }

  Problem problem(String runDirectory) {
    boolean mayGrow = Schema.key(key).key().resume() == Resume.MAY_GROW;
    return new Problem(
        runDirectory,
        0,
        key,
        now,
        "cannot resume: " + this + (mayGrow ? "; it may only grow" : ""),
        "set "
            + key
            + " back to "
            + before
            + (mayGrow ? " or more" : "")
            + ", or start a new run in another --run-dir");
  }

  private static boolean differs(SettingKey key, Object before, Object now, boolean names) {
    return switch (key.key().resume()) {
      case FIXED -> !before.equals(now);
      case SAME_CONTENT -> names && !before.equals(now);
      case MAY_GROW -> ((Number) now).longValue() < ((Number) before).longValue();
      case FREE -> false;
    };
  }
}
