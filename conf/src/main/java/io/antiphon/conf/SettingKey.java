package io.antiphon.conf;

import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * One key: a component of a record with everything its annotation says.
 *
 * @param path dotted path
 * @param type type of the value; for an optional key, of what the {@link Optional} holds
 * @param kind how the value is read and written
 * @param optional whether the component is an {@link Optional}
 * @param key the annotation
 */
record SettingKey(String path, Class<?> type, ValueKind kind, boolean optional, Key key)
    implements Node {

  static SettingKey of(String path, RecordComponent component, Key key) {
    boolean optional = component.getType() == Optional.class;
    Class<?> type =
        optional
            ? (Class<?>)
                ((ParameterizedType) component.getGenericType()).getActualTypeArguments()[0]
            : component.getType();
    return new SettingKey(path, type, ValueKind.of(type), optional, key);
  }

  /** Whether the file must say something. */
  boolean required() {
    return !optional
        && kind != ValueKind.PROPERTIES
        && key.byDefault().isEmpty()
        && key.derived().isEmpty();
  }

  /** The value a text stands for, if it is one and within the limits. */
  Optional<Object> parse(String text) {
    return kind.parse(text, type).filter(this::allows);
  }

  /** Whether a value of the right type is within the limits. */
  boolean allows(Object value) {
    if (!key.pattern().isEmpty() && !((String) value).matches(key.pattern())) {
      return false;
    }
    if (kind == ValueKind.WHOLE && ((Number) value).longValue() % key.multipleOf() != 0) {
      return false;
    }
    if (kind == ValueKind.TEXT) {
      return !((String) value).isBlank();
    }
    if (kind == ValueKind.WHOLE || kind == ValueKind.DECIMAL || kind == ValueKind.DURATION) {
      double number = value instanceof Duration time ? seconds(time) : asDouble(value);
      return number >= key.min()
          && number <= key.max()
          && number > key.above()
          && number < key.below();
    }
    return true;
  }

  /** What a value must be, as the end of "must be ...". */
  String limits() {
    if (!key.form().isEmpty()) {
      return key.form();
    }
    if (kind == ValueKind.CHOICE) {
      return "one of " + String.join(", ", choices());
    }
    List<String> bounds = new ArrayList<>();
    bound(bounds, "at least ", key.min());
    bound(bounds, "above ", key.above());
    bound(bounds, "at most ", key.max());
    bound(bounds, "below ", key.below());
    String multiple = key.multipleOf() > 1 ? " and a multiple of " + key.multipleOf() : "";
    String range = bounds.isEmpty() ? "" : ", " + String.join(" and ", bounds);
    return kind.words() + range + multiple;
  }

  /** What to write instead of a text that is no value: something near to it if possible. */
  String remedy(String text) {
    Optional<String> fitting =
        switch (kind) {
          case CHOICE -> Spelling.closest(text, choices());
          case WHOLE, DECIMAL -> kind.parse(text, type).flatMap(this::nearest);
          default -> Optional.empty();
        };
    if (fitting.isPresent() || !sample().isEmpty()) {
      return Rule.set(path, fitting.orElse(sample()));
    }
    return optional
        ? "write text of that form, or leave " + path + " out"
        : "leave " + path + " out; its default is " + key.derived();
  }

  private Optional<String> nearest(Object number) {
    double clamped = Math.min(Math.max(asDouble(number), key.min()), key.max());
    double whole = Math.ceil(clamped / key.multipleOf()) * key.multipleOf();
    return Optional.of(plain(kind == ValueKind.WHOLE ? whole : clamped))
        .filter(near -> parse(near).isPresent());
  }

  /** A value that shows the form: the default or an example; empty if there is neither. */
  String sample() {
    return key.byDefault().isEmpty() ? key.example() : key.byDefault();
  }

  /** The names of an enum's constants. */
  List<String> choices() {
    return Arrays.stream(type.getEnumConstants()).map(kind::show).toList();
  }

  /** A component's value as text; "(none)" for an absent optional. */
  String show(Object value) {
    return present(value).map(kind::show).orElse("(none)");
  }

  /** A component's value without the Optional around it. */
  Optional<Object> present(Object value) {
    return optional ? ((Optional<?>) value).map(held -> held) : Optional.of(value);
  }

  /** Megatron's flags without what follows them. */
  List<String> flags() {
    return Arrays.stream(key.megatron())
        .map(flag -> flag.split(" ", 2)[0])
        .collect(Collectors.toList());
  }

  private void bound(List<String> bounds, String words, double bound) {
    if (!Double.isInfinite(bound)) {
      bounds.add(words + plain(bound) + (kind == ValueKind.DURATION ? "s" : ""));
    }
  }

  private static double asDouble(Object number) {
    return ((Number) number).doubleValue();
  }

  private static double seconds(Duration time) {
    return time.getSeconds() + time.getNano() / 1e9;
  }

  private static String plain(double number) {
    return number == Math.rint(number) ? String.valueOf((long) number) : String.valueOf(number);
  }
}
