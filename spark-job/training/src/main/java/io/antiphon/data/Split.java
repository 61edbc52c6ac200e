package io.antiphon.data;

import java.util.Locale;

/** The two disjoint parts of a corpus. */
public enum Split {
  /** What the model learns from; reshuffled every epoch. */
  TRAIN,
  /** What it is measured on; always read in stored order. */
  VALIDATION;

  /** Name in files and manifests. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
