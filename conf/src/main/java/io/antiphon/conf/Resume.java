package io.antiphon.conf;

/** Whether a key may change when a run resumes from its checkpoint. */
enum Resume {
  /** It may never change: the run would continue as a different training. */
  FIXED("no"),
  /** It may change if the file or table keeps its content, which the run compares itself. */
  SAME_CONTENT("same content"),
  /** It may only become larger. */
  MAY_GROW("may grow"),
  /** Freely: it changes where and how fast the same training happens. */
  FREE("yes");

  private final String words;

  Resume(String words) {
    this.words = words;
  }

  /** The answer to "may it change on resume?". */
  String words() {
    return words;
  }
}
