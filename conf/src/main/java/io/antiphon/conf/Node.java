package io.antiphon.conf;

/** A place in the tree of keys. */
sealed interface Node permits Group, SettingKey {
  /** Dotted path from the root; the root's own is empty. */
  String path();

  /** Last element of the path. */
  default String name() {
    return path().substring(path().lastIndexOf('.') + 1);
  }

  /** Path of the enclosing group. */
  default String parent() {
    return path().substring(0, Math.max(0, path().lastIndexOf('.')));
  }
}
