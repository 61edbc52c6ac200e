package io.antiphon.conf;

import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * A condition that involves more than one key, or more than a range.
 *
 * @param sentence the rule for the reference page
 * @param keys the keys it reads; it is skipped while one of them is missing or bad
 * @param check finds what violates it
 */
record Rule(String sentence, List<String> keys, Function<Values, Stream<Finding>> check) {
  /** All rules, in the order of the reference page. */
  static final List<Rule> ALL =
      Stream.of(ShapeRules.ALL, RunRules.ALL, SparkRules.ALL).flatMap(List::stream).toList();

  /**
   * One violation.
   *
   * @param key the key to blame
   * @param limit what it must be
   * @param remedy what to change
   */
  record Finding(String key, String limit, String remedy) {
    Problem problem(Values values) {
      return values.place(key).problem(key, values.show(key), limit, remedy);
    }
  }

  /** The violations of all rules that can be checked. */
  static Stream<Problem> violations(Values values) {
    return ALL.stream()
        .filter(rule -> values.known(rule.keys()))
        .flatMap(rule -> rule.check().apply(values))
        .map(finding -> finding.problem(values));
  }

  /** The smallest multiple of {@code step} that is at least {@code number}, which is positive. */
  static long roundUp(long number, long step) {
    return Math.multiplyExact((number - 1) / step + 1, step);
  }

  /** The largest divisor of {@code number} that is at most {@code limit}. */
  static long divisorUpTo(long limit, long number) {
    long divisor = Math.min(limit, number);
    while (number % divisor != 0) {
      divisor--;
    }
    return divisor;
  }

  /** "set KEY = VALUE", the form of most remedies. */
  static String set(String key, Object value) {
    return "set " + key + " = " + value;
  }
}
