package io.antiphon.conf;

import static io.antiphon.conf.Rule.divisorUpTo;
import static io.antiphon.conf.Rule.roundUp;
import static io.antiphon.conf.Rule.set;

import io.antiphon.conf.Rule.Finding;
import java.util.List;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Stream;

/** Rules about data, batches and the schedule. */
final class RunRules {
  private static final List<String> SOURCES =
      List.of("data.text", "data.jsonl", "data.parquet", "data.sql");

  static final List<Rule> ALL =
      List.of(
          new Rule(
              "Exactly one of data.text, data.jsonl, data.parquet and data.sql is set.",
              SOURCES,
              RunRules::oneSource),
          new Rule(
              "data.document-separator is a regular expression and goes with data.text only.",
              List.of("data.document-separator", "data.text"),
              RunRules::separator),
          new Rule(
              "data.end-of-text goes with a tokenizer.json; bytes have their own.",
              List.of("data.end-of-text", "data.tokenizer"),
              RunRules::endOfText),
          new Rule(
              "optimizer.min-learning-rate is at most optimizer.learning-rate.",
              List.of("optimizer.min-learning-rate", "optimizer.learning-rate"),
              RunRules::ratesInOrder),
          new Rule(
              "schedule.warmup-steps is at most schedule.steps.",
              List.of("schedule.warmup-steps", "schedule.steps"),
              RunRules::warmupEnds),
          new Rule(
              "schedule.global-batch is a multiple of schedule.micro-batch * parallelism.ranks.",
              List.of("schedule.global-batch", "schedule.micro-batch", "parallelism.ranks"),
              RunRules::batchSharesEvenly),
          new Rule(
              "Evaluating every few steps needs data.validation-fraction above 0.",
              List.of("schedule.evaluate-every", "data.validation-fraction"),
              RunRules::somethingToEvaluate));

  private RunRules() {}

  private static Stream<Finding> oneSource(Values values) {
    List<String> set = SOURCES.stream().filter(key -> values.text(key).isPresent()).toList();
    if (set.isEmpty()) {
      return Stream.of(
          new Finding(
              "data.text",
              "one of " + String.join(", ", SOURCES) + " must be set",
              "set data.text = \"corpus/*.txt\", or \"classpath:corpus\" for the corpus"
                  + " shipped with Antiphon"));
    }
    if (set.size() == 1) {
      return Stream.empty();
    }
    // What --set says is what the user wants now, so the key to drop is one of the others.
    List<String> written = set.stream().filter(key -> !values.place(key).isOverride()).toList();
    String spare = written.isEmpty() ? set.get(0) : written.get(0);
    return Stream.of(
        new Finding(
            spare,
            "only one source may be set, here are " + String.join(" and ", set),
            "remove " + spare + ", or override it with " + spare + " = null"));
  }

  private static Stream<Finding> separator(Values values) {
    if (values.text("data.document-separator").isEmpty()) {
      return Stream.empty();
    }
    if (values.text("data.text").isEmpty()) {
      return Stream.of(
          new Finding(
              "data.document-separator",
              "goes with data.text only: a row of another source is one document",
              "remove data.document-separator"));
    }
    try {
      Pattern.compile(values.text("data.document-separator").orElseThrow());
      return Stream.empty();
    } catch (PatternSyntaxException e) {
      return Stream.of(
          new Finding(
              "data.document-separator",
              "must be a regular expression: "
                  + e.getDescription()
                  + " at character "
                  + (e.getIndex() + 1),
              "escape what is meant literally with a backslash (doubled inside quotes)"));
    }
  }

  private static Stream<Finding> endOfText(Values values) {
    boolean bytes = values.text("data.tokenizer").orElseThrow().equals("bytes");
    if (!bytes || values.text("data.end-of-text").isEmpty()) {
      return Stream.empty();
    }
    return Stream.of(
        new Finding(
            "data.end-of-text",
            "goes with a tokenizer.json only; the bytes tokenizer has its own end of text",
            "remove data.end-of-text, or set data.tokenizer to the path of a tokenizer.json"));
  }

  private static Stream<Finding> ratesInOrder(Values values) {
    double highest = values.number("optimizer.learning-rate");
    if (values.number("optimizer.min-learning-rate") <= highest) {
      return Stream.empty();
    }
    return Stream.of(
        new Finding(
            "optimizer.min-learning-rate",
            "must be at most optimizer.learning-rate (" + highest + ")",
            set("optimizer.min-learning-rate", highest / 10)));
  }

  private static Stream<Finding> warmupEnds(Values values) {
    long steps = values.whole("schedule.steps");
    if (values.whole("schedule.warmup-steps") <= steps) {
      return Stream.empty();
    }
    return Stream.of(
        new Finding(
            "schedule.warmup-steps",
            "must be at most schedule.steps (" + steps + ")",
            set("schedule.warmup-steps", (steps + 9) / 10) + ", a tenth of the steps"));
  }

  private static Stream<Finding> batchSharesEvenly(Values values) {
    long batch = values.whole("schedule.global-batch");
    long microBatch = values.whole("schedule.micro-batch");
    long ranks = values.whole("parallelism.ranks");
    long step = microBatch * ranks;
    if (batch % step == 0) {
      return Stream.empty();
    }
    String smaller =
        batch % ranks == 0
            ? ", or schedule.micro-batch = " + divisorUpTo(microBatch, batch / ranks)
            : "";
    long fitting = roundUp(batch, step);
    return Stream.of(
        new Finding(
            "schedule.global-batch",
            "must be a multiple of schedule.micro-batch * parallelism.ranks ("
                + microBatch
                + " * "
                + ranks
                + " = "
                + step
                + ")",
            fitting <= Integer.MAX_VALUE
                ? set("schedule.global-batch", fitting) + smaller
                : "set a smaller schedule.micro-batch"));
  }

  private static Stream<Finding> somethingToEvaluate(Values values) {
    if (values.whole("schedule.evaluate-every") == 0
        || values.number("data.validation-fraction") > 0) {
      return Stream.empty();
    }
    return Stream.of(
        new Finding(
            "schedule.evaluate-every",
            "must be 0 with data.validation-fraction = 0: no document is kept for evaluation",
            set("schedule.evaluate-every", 0) + ", or data.validation-fraction = 0.05"));
  }
}
