package io.antiphon.tests;

import io.antiphon.conf.Settings;
import io.antiphon.conf.SettingsReader;
import io.antiphon.monitor.Terminal;
import io.antiphon.run.HostProvider;
import io.antiphon.run.TrainingRun;
import io.antiphon.train.report.RunSummary;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A training run of a tiny model on four ranks, and what its run directory says of it. */
final class SmallRun {
  private static final Pattern STEP = Pattern.compile("\\{\"step\":(\\d+),\"loss\":([^,]+),.*");
  private static final Pattern EVENT =
      Pattern.compile("\\{\"kind\":\"event\",\"step\":(\\d+),\"event\":\"(\\w+)\".*");

  private static final String SETTINGS =
      """
      name = small
      model { layers = 2, hidden = 32, attention-heads = 2, key-value-heads = 1, sequence-length = 32 }
      moe { experts = 8, top-k = 2, expert-ffn = 32, router-skew = 1.5
            echo { slots-per-rank = 1, planner = bin-packing } }
      data.validation-sequences = 8
      optimizer.learning-rate = 1e-2
      schedule { steps = 120, warmup-steps = 5, global-batch = 16, micro-batch = 2, evaluate-every = 0 }
      parallelism { ranks = 4, expert-parallel = 4 }
      checkpoint { every-steps = 10, keep = 2 }
      monitor.report = false
      spark.comm-timeout = 60s
      """;

  private final Path directory;
  private final TrainingRun driver;

  /**
   * @param shared directory for the text and the token store that all runs use
   * @param overrides of the settings
   */
  SmallRun(Path shared, String name, String... overrides) throws IOException {
    this.directory = shared.resolve(name);
    Path text = shared.resolve("text.txt");
    if (!Files.exists(text)) {
      Files.writeString(text, text());
    }
    List<String> all = new ArrayList<>(List.of(overrides));
    all.add("data.text=" + text);
    all.add("data.cache-dir=" + shared.resolve("cache"));
    Settings settings = SettingsReader.text("small", SETTINGS, all);
    PrintStream out =
        new PrintStream(OutputStream.nullOutputStream(), true, StandardCharsets.UTF_8);
    this.driver =
        new TrainingRun(
            settings, directory, Terminal.of(out, false, Map.of()), HostProvider.here());
  }

  RunSummary.Outcome train() throws InterruptedException {
    return driver.run();
  }

  /** Ends it after the current step. */
  void interrupt() {
    driver.interrupt();
  }

  /** Loss of every step, as it was written. */
  Map<Long, String> losses() throws IOException {
    Map<Long, String> losses = new LinkedHashMap<>();
    for (String line : metrics()) {
      Matcher step = STEP.matcher(line);
      if (step.matches()) {
        losses.put(Long.parseLong(step.group(1)), step.group(2));
      }
    }
    return losses;
  }

  /** Steps at which an event of this kind was recorded. */
  List<Long> events(String kind) throws IOException {
    List<Long> steps = new ArrayList<>();
    for (String line : metrics()) {
      Matcher event = EVENT.matcher(line);
      if (event.matches() && event.group(2).equals(kind)) {
        steps.add(Long.parseLong(event.group(1)));
      }
    }
    return steps;
  }

  private List<String> metrics() throws IOException {
    Path file = directory.resolve("metrics.jsonl");
    return Files.exists(file) ? Files.readAllLines(file) : List.of();
  }

  /** Words of a small vocabulary in documents of some length, always the same. */
  private static String text() {
    Random random = new Random(11);
    StringBuilder text = new StringBuilder();
    String[] words = new String[60];
    for (int i = 0; i < words.length; i++) {
      words[i] = Integer.toString(random.nextInt(1 << 20), 36);
    }
    for (int word = 0; word < 30_000; word++) {
      text.append(words[(int) (words.length * Math.pow(random.nextDouble(), 2))]);
      text.append(word % 400 == 399 ? "\n\n" : " ");
    }
    return text.toString();
  }
}
