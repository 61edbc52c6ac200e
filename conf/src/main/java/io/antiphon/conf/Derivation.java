package io.antiphon.conf;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A default computed from keys of the same group: a key, {@code key / divisor} or {@code factor *
 * key}, where divisor and factor are a number or another key.
 */
final class Derivation {
  private final SettingKey target;
  private final List<String> words;

  private Derivation(SettingKey target) {
    this.target = target;
    this.words = List.of(target.key().derived().split(" "));
  }

  /** The derivation of a key that has one. */
  static Derivation of(SettingKey target) {
    return new Derivation(target);
  }

  /** The keys it reads. */
  List<String> keys() {
    return operands().filter(Schema.KEYS::containsKey).toList();
  }

  /** Adds the target to the values, or returns why it cannot be computed. The keys are known. */
  Optional<Rule.Finding> apply(Values values) {
    Optional<Object> value =
        target.kind() == ValueKind.WHOLE ? whole(values) : Optional.of(decimal(values));
    Optional<Object> allowed = value.flatMap(exact -> target.parse(target.kind().show(exact)));
    if (allowed.isEmpty()) {
      return Optional.of(finding(values));
    }
    values.putUnwritten(target.path(), allowed.get(), "from " + target.key().derived());
    return Optional.empty();
  }

  private Optional<Object> whole(Values values) {
    long first = operand(0, values).longValue();
    if (words.size() == 1) {
      return Optional.of(first);
    }
    long second = operand(2, values).longValue();
    if (words.get(1).equals("*")) {
      return Optional.of(Math.multiplyExact(first, second));
    }
    return first % second == 0 ? Optional.of(first / second) : Optional.empty();
  }

  /** Computes in decimal, so that a tenth of 0.003 is 0.0003 to the last digit. */
  private double decimal(Values values) {
    BigDecimal dividend = BigDecimal.valueOf(operand(0, values).doubleValue());
    BigDecimal divisor = BigDecimal.valueOf(operand(2, values).doubleValue());
    return dividend.divide(divisor, MathContext.DECIMAL64).doubleValue();
  }

  private Rule.Finding finding(Values values) {
    String key = keys().get(0);
    String rule = target.path() + " = " + target.key().derived();
    if (!words.contains("/")) {
      return new Rule.Finding(
          key,
          "is too large for the default " + rule,
          Rule.set(target.path(), "...") + " yourself");
    }
    long divisor = operand(2, values).longValue();
    long step = divisor * target.key().multipleOf();
    String factor = target.key().multipleOf() > 1 ? target.key().multipleOf() + " * " : "";
    return new Rule.Finding(
        key,
        "must be a multiple of "
            + factor
            + path(words.get(2))
            + " ("
            + step
            + ") for the default "
            + rule,
        Rule.set(key, Rule.roundUp(operand(0, values).longValue(), step))
            + ", or set "
            + target.path()
            + " yourself");
  }

  private Number operand(int position, Values values) {
    String path = path(words.get(position));
    return Schema.KEYS.containsKey(path)
        ? (Number) values.component(path)
        : (Number) Long.valueOf(words.get(position));
  }

  private Stream<String> operands() {
    return words.stream().map(this::path);
  }

  private String path(String word) {
    return target.parent() + "." + word;
  }
}
