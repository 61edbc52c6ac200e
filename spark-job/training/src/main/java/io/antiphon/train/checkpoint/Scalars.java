package io.antiphon.train.checkpoint;

import io.antiphon.conf.Printable;
import java.util.Collections;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Named numbers and texts of the training state, such as the count of skipped updates. */
public final class Scalars {
  private static final Scalars NONE = new Scalars(Map.of());

  /** Sorted by name; values are {@link Long}, {@link Double} or {@link String}. */
  private final Map<String, Object> values;

  private Scalars(Map<String, Object> values) {
    this.values = Collections.unmodifiableMap(new TreeMap<>(values));
  }

  /** A set without scalars. */
  public static Scalars none() {
    return NONE;
  }

  /** These scalars and a whole number. */
  public Scalars withWhole(String name, long value) {
    return with(name, value);
  }

  /**
   * These scalars and a real number, kept exactly.
   *
   * @throws IllegalArgumentException if it is infinite or not a number, which JSON cannot say
   */
  public Scalars withReal(String name, double value) {
    if (!Double.isFinite(value)) {
      throw new IllegalArgumentException(
          "scalar " + Printable.of(name) + " must be finite, was " + value);
    }
    return with(name, value);
  }

  /** These scalars and a text. */
  public Scalars withText(String name, String value) {
    return with(name, value);
  }

  /**
   * A whole number.
   *
   * @throws CheckpointException if there is none of this name
   */
  public long whole(String name) {
    return value(name, Long.class, "whole number");
  }

  /**
   * A real number.
   *
   * @throws CheckpointException if there is none of this name
   */
  public double real(String name) {
    return value(name, Double.class, "real number");
  }

  /**
   * A text.
   *
   * @throws CheckpointException if there is none of this name
   */
  public String text(String name) {
    return value(name, String.class, "text");
  }

  /** All names, sorted. */
  public Set<String> names() {
    return values.keySet();
  }

  /** All values by name, as {@link Long}, {@link Double} or {@link String}. */
  Map<String, Object> values() {
    return values;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Scalars scalars && values.equals(scalars.values);
  }

  @Override
  public int hashCode() {
    return values.hashCode();
  }

  @Override
  public String toString() {
    return values.toString();
  }

  private Scalars with(String name, Object value) {
    if (name.isEmpty() || name.length() > Limits.NAME_CHARS) {
      throw new IllegalArgumentException(
          "a scalar's name must have 1 to %d characters, was %s"
              .formatted(Limits.NAME_CHARS, Printable.of(name)));
    }
    if (value instanceof String text && text.length() > Limits.TEXT_CHARS) {
      throw new IllegalArgumentException(
          "scalar %s has %d characters; the limit is %d"
              .formatted(Printable.of(name), text.length(), Limits.TEXT_CHARS));
    }
    Map<String, Object> more = new TreeMap<>(values);
    more.put(name, value);
    if (more.size() > Limits.SCALARS) {
      throw new IllegalArgumentException("more than " + Limits.SCALARS + " scalars, the limit");
    }
    return new Scalars(more);
  }

  private <T> T value(String name, Class<T> type, String kind) {
    Object value = values.get(name);
    if (!type.isInstance(value)) {
      throw new CheckpointException(
          "the checkpoint's state has no %s named %s; it has %s"
              .formatted(kind, Printable.of(name), Printable.of(values.keySet().toString())));
    }
    return type.cast(value);
  }
}
