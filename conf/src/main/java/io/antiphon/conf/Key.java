package io.antiphon.conf;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Everything there is to know about one key. Parsing, validation, error messages, the rendered file
 * and the reference page all read it here and nowhere else.
 */
@Documented
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
@interface Key {
  /** What the key means, as a phrase for the reference page. */
  String doc();

  /** Megatron-LM flags with the same meaning; words after the flag say how they differ. */
  String[] megatron() default {};

  /** The value of an absent key, as one would write it; empty if there is none. */
  String byDefault() default "";

  /** The value of an absent key, computed from its siblings: see {@link Derivation}. */
  String derived() default "";

  /** What an absent optional key means, for the reference page. */
  String absent() default "";

  /** A value that shows the form, for keys without a default. */
  String example() default "";

  /** Smallest value allowed; seconds for a duration. */
  double min() default Double.NEGATIVE_INFINITY;

  /** Largest value allowed. */
  double max() default Double.POSITIVE_INFINITY;

  /** The value must be greater than this. */
  double above() default Double.NEGATIVE_INFINITY;

  /** The value must be less than this. */
  double below() default Double.POSITIVE_INFINITY;

  /** A whole number must be a multiple of this. */
  int multipleOf() default 1;

  /** Regular expression that the whole text must match; empty if any text will do. */
  String pattern() default "";

  /** The pattern in words. */
  String form() default "";

  /** Unit of a number, for the reference page. */
  String unit() default "";

  /** Whether the key may change between the two halves of a resumed run. */
  Resume resume() default Resume.FIXED;
}
