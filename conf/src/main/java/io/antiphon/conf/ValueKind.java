package io.antiphon.conf;

import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigValueFactory;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** The kinds of values a key can have: how each is read from text and written as text. */
enum ValueKind {
  WHOLE("a whole number") {
    @Override
    Optional<Object> parse(String text, Class<?> type) {
      try {
        BigDecimal number = new BigDecimal(text.strip());
        if (Math.abs((long) number.scale()) > MAX_EXPONENT) {
          return Optional.empty();
        }
        return type == int.class
            ? Optional.of(number.intValueExact())
            : Optional.of(number.longValueExact());
      } catch (NumberFormatException | ArithmeticException e) {
        return Optional.empty();
      }
    }
  },
  DECIMAL("a number") {
    @Override
    Optional<Object> parse(String text, Class<?> type) {
      try {
        double number = new BigDecimal(text.strip()).doubleValue();
        return Double.isFinite(number) ? Optional.of(number) : Optional.empty();
      } catch (NumberFormatException e) {
        return Optional.empty();
      }
    }
  },
  FLAG("true or false") {
    @Override
    Optional<Object> parse(String text, Class<?> type) {
      return switch (text.strip()) {
        case "true", "yes", "on" -> Optional.of(true);
        case "false", "no", "off" -> Optional.of(false);
        default -> Optional.empty();
      };
    }
  },
  TEXT("text, not blank") {
    @Override
    Optional<Object> parse(String text, Class<?> type) {
      return text.isBlank() || !isEncodable(text) ? Optional.empty() : Optional.of(text);
    }
  },
  DURATION("a time with its unit, such as 90s or 2m") {
    @Override
    Optional<Object> parse(String text, Class<?> type) {
      if (!text.strip().matches(".*[a-z]")) { // HOCON would take a bare number for milliseconds
        return Optional.empty();
      }
      try {
        return Optional.of(
            ConfigValueFactory.fromAnyRef(text).atKey("duration").getDuration("duration"));
      } catch (ConfigException e) {
        return Optional.empty();
      }
    }

    @Override
    String show(Object value) {
      Duration duration = (Duration) value;
      if (duration.equals(duration.truncatedTo(ChronoUnit.SECONDS))) {
        return duration.toSeconds() + "s";
      }
      return duration.equals(duration.truncatedTo(ChronoUnit.MILLIS))
          ? duration.toMillis() + "ms"
          : duration.toNanos() + "ns";
    }
  },
  CHOICE("one of") {
    @Override
    Optional<Object> parse(String text, Class<?> type) {
      return Arrays.stream((Object[]) type.getEnumConstants())
          .filter(constant -> show(constant).equals(text.strip()))
          .findFirst();
    }

    @Override
    String show(Object value) {
      return ((Enum<?>) value).name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  },
  PROPERTIES("a group of Spark's keys with one value each") {
    @Override
    Optional<Object> parse(String text, Class<?> type) {
      return Optional.empty();
    }
  };

  private static final long MAX_EXPONENT = 40; // 1e999999999 must not become a billion digits

  /** Whether a system call can take the text, as the name of a file for example. */
  private static boolean isEncodable(String text) {
    return text.indexOf('\0') < 0
        && text.codePoints().noneMatch(c -> Character.getType(c) == Character.SURROGATE);
  }

  private final String words;

  ValueKind(String words) {
    this.words = words;
  }

  /** The value a text stands for; empty if it is none of this kind. */
  abstract Optional<Object> parse(String text, Class<?> type);

  /** The text that {@link #parse} reads back as {@code value}. */
  String show(Object value) {
    return value.toString();
  }

  /** The kind with an article, for messages. */
  String words() {
    return words;
  }

  /** The kind of a component with this type. */
  static ValueKind of(Class<?> type) {
    if (type == int.class || type == long.class) {
      return WHOLE;
    }
    if (type == double.class) {
      return DECIMAL;
    }
    if (type == boolean.class) {
      return FLAG;
    }
    if (type == String.class) {
      return TEXT;
    }
    if (type == Duration.class) {
      return DURATION;
    }
    if (type == Map.class) {
      return PROPERTIES;
    }
    if (type.isEnum()) {
      return CHOICE;
    }
    throw new IllegalArgumentException("no key can have the type " + type.getName());
  }
}
