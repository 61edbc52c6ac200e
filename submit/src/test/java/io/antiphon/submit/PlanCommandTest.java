package io.antiphon.submit;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.antiphon.trace.CountMatrix;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PlanCommandTest {
  /** The worked example of docs/echo.md 2.9. */
  private static final String EXAMPLE =
      "{\"counts\": [[10, 2, 4, 4, 8, 4, 2, 6], [14, 1, 3, 6, 9, 3, 1, 3],"
          + " [12, 0, 5, 3, 10, 4, 4, 2], [15, 3, 2, 2, 11, 3, 1, 3]]}";

  private static final String EXAMPLE_ANSWER =
      "{\"slotHome\": [4, 4, -1, 0], \"quota\": [1, 11, 0, 18],"
          + " \"toSlot\": [[1, 1, 0, 0], [0, 9, 0, 2], [0, 0, 0, 1], [0, 1, 0, 15]],"
          + " \"rankLoadBefore\": [57, 29, 52, 22], \"rankLoadAfter\": [40, 40, 40, 40],"
          + " \"clones\": 3}";

  /** The same example planned as the specification does. */
  private static final String BIN_PACKING_ANSWER =
      "{\"slotHome\": [-1, 4, -1, 0], \"quota\": [0, 11, 0, 17],"
          + " \"toSlot\": [[0, 4, 0, 4], [0, 2, 0, 4], [0, 2, 0, 4], [0, 3, 0, 5]],"
          + " \"rankLoadBefore\": [57, 29, 52, 22], \"rankLoadAfter\": [40, 40, 41, 39],"
          + " \"clones\": 2}";

  private final Path directory;

  PlanCommandTest(@TempDir Path directory) {
    this.directory = directory;
  }

  private record Result(int exitCode, String out, String err) {
    List<String> lines() {
      return out.lines().toList();
    }
  }

  private static Result run(String... arguments) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    List<String> all = new ArrayList<>(List.of("plan"));
    Collections.addAll(all, arguments);
    int exitCode =
        Antiphon.commandLine()
            .setOut(new PrintWriter(out))
            .setErr(new PrintWriter(err, true))
            .execute(all.toArray(String[]::new));
    return new Result(exitCode, out.toString(), err.toString());
  }

  private Result plan(String json, String... options) throws IOException {
    Path file = Files.writeString(directory.resolve("counts.json"), json);
    List<String> arguments = new ArrayList<>(List.of("--counts", file.toString()));
    Collections.addAll(arguments, options);
    return run(arguments.toArray(String[]::new));
  }

  /** Runs with one slot per rank; checks exit code 2 and a single line of error. */
  private String errorOf(String json, String... options) throws IOException {
    String[] all = options.length == 0 ? new String[] {"--slots-per-rank", "1"} : options;
    Result result = plan(json, all);
    assertThat(result.exitCode()).isEqualTo(2);
    assertThat(result.err().lines()).hasSize(1);
    return result.err();
  }

  @Test
  void answersInExactlyTheDocumentedJson() throws IOException {
    Result result = plan(EXAMPLE, "--slots-per-rank", "1", "--json");

    assertThat(result.err()).isEmpty();
    assertThat(result.exitCode()).isZero();
    assertThat(result.lines()).containsExactly(EXAMPLE_ANSWER);
    JsonNode answer = new ObjectMapper().readTree(result.out());
    assertThat(answer.fieldNames())
        .toIterable()
        .containsExactly(
            "slotHome", "quota", "toSlot", "rankLoadBefore", "rankLoadAfter", "clones");
  }

  @Test
  void thePrototypesPlannersAnswerAsTheSpecificationDoes() throws IOException {
    assertThat(plan(EXAMPLE, "--slots-per-rank=1", "--planner=bin-packing", "--json").lines())
        .containsExactly(BIN_PACKING_ANSWER);
    assertThat(plan(EXAMPLE, "--slots-per-rank=2", "--planner=one-shot", "--json").out())
        .contains("\"slotHome\": [-1, -1, 4, -1, -1, -1, 0, 4]")
        .contains("\"rankLoadAfter\": [40, 40, 40, 40]");
  }

  @Test
  void theBalancedPlannerTakesItsOptions() throws IOException {
    assertThat(plan(EXAMPLE, "--slots-per-rank=1", "--tolerance=0.03", "--json").out())
        .as("up to 41.2: expert 4's last assignment may stay")
        .contains("\"clones\": 2}");
    assertThat(plan(EXAMPLE, "--slots-per-rank=1", "--min-quota=50", "--json").out())
        .contains("\"clones\": 0}");
    assertThat(errorsOf("--tolerance=2")).contains("--tolerance must be in [0, 1], was 2.0.");
    assertThat(errorsOf("--min-quota=0")).contains("--min-quota must be at least 1, was 0.");
    assertThat(errorsOf("--min-quota=9", "--min-quota-across-nodes=8"))
        .contains("--min-quota-across-nodes must be at least --min-quota (9), was 8.");
    assertThat(errorsOf("--ranks-per-node=0"))
        .contains("--ranks-per-node must be at least 1, was 0.");
  }

  private String errorsOf(String... options) throws IOException {
    List<String> all = new ArrayList<>(List.of(options));
    all.add("--slots-per-rank=1");
    Result result = plan(EXAMPLE, all.toArray(String[]::new));
    assertThat(result.exitCode()).isEqualTo(2);
    return result.err();
  }

  @Test
  void thePlannerCanBeChosen() throws IOException {
    // Spills 60 and 55 meet rooms 40, 40 and 35: only bin packing offers a remainder again.
    String zeros = ", [0, 0, 0, 0, 0]".repeat(4);
    String counts = "{\"counts\": [[130, 125, 30, 30, 35]" + zeros + "]}";
    Result packed = plan(counts, "--slots-per-rank=1", "--json", "--planner", "bin-packing");
    Result oneShot = plan(counts, "--slots-per-rank=1", "--json", "--planner", "one-shot");

    assertThat(packed.out())
        .contains("\"slotHome\": [-1, -1, 0, 1, 0], \"quota\": [0, 0, 40, 40, 20]");
    assertThat(oneShot.out())
        .contains("\"slotHome\": [-1, -1, 0, 0, 1], \"quota\": [0, 0, 40, 20, 35]");
    assertThat(plan(counts, "--slots-per-rank=1", "--json").out())
        .contains("\"rankLoadAfter\": [70, 70, 70, 70, 70]");
  }

  @Test
  void noSlotsPlanNoClones() throws IOException {
    Result result = plan("{\"counts\": [[3, 1], [4, 0]]}", "--slots-per-rank", "0", "--json");

    assertThat(result.lines())
        .containsExactly(
            "{\"slotHome\": [], \"quota\": [], \"toSlot\": [[], []], \"rankLoadBefore\": [7, 1],"
                + " \"rankLoadAfter\": [7, 1], \"clones\": 0}");
  }

  @Test
  void everyLineGetsItsAnswerInOrderWhateverItsShape() throws IOException {
    String lines =
        EXAMPLE + "\n{\"counts\": [[4, 0], [0, 0]]}\r\n\n" + EXAMPLE + "\n{\"counts\": [[7]]}";
    Result result = plan(lines, "--slots-per-rank", "1", "--json");

    assertThat(result.exitCode()).isZero();
    assertThat(result.lines()).hasSize(4);
    assertThat(result.lines().get(0)).isEqualTo(EXAMPLE_ANSWER).isEqualTo(result.lines().get(2));
    assertThat(result.lines().get(1)).startsWith("{\"slotHome\": [-1, 0], \"quota\": [0, 2]");
    assertThat(result.lines().get(3)).contains("\"clones\": 0");
  }

  @Test
  void anObjectMaySpanLinesAndCarryOtherKeys() throws IOException {
    String pretty =
        EXAMPLE
            .replace("{", "{\n  \"layer\": {\"of\": [1, [2]]}, \"note\": \"x\",\n  ")
            .replace("[[", "[\n    [")
            .replace("], [", "],\n    [")
            .replace("]]}", "]\n  ],\n  \"step\": 3\n}\n");

    assertThat(plan(pretty, "--slots-per-rank", "1", "--json").lines())
        .containsExactly(EXAMPLE_ANSWER);
  }

  @Test
  void aByteOrderMarkIsNoError() throws IOException {
    assertThat(plan("\ufeff" + EXAMPLE, "--slots-per-rank", "1", "--json").exitCode()).isZero();
  }

  @Test
  void aDashReadsStandardInput() {
    InputStream before = System.in;
    try {
      System.setIn(new ByteArrayInputStream(EXAMPLE.getBytes(StandardCharsets.UTF_8)));
      Result result = run("--counts", "-", "--slots-per-rank", "1", "--json");
      assertThat(result.lines()).containsExactly(EXAMPLE_ANSWER);

      System.setIn(new ByteArrayInputStream(new byte[] {'7'}));
      assertThat(run("--counts", "-", "--slots-per-rank", "1").err())
          .startsWith("antiphon: standard input, line 1: 7 is not an object");
    } finally {
      System.setIn(before);
    }
  }

  @Test
  void theTableShowsLoadsAndClones() throws IOException {
    Result result = plan(EXAMPLE, "--slots-per-rank", "1");

    assertThat(result.exitCode()).isZero();
    assertThat(result.lines().get(0))
        .endsWith("counts.json, line 1: ranks 4, experts 8, slots per rank 1, planner balanced");
    assertThat(result.out())
        .containsPattern("rank +load before +load after")
        .containsPattern("0 +57 +40\n")
        .containsPattern("2 +52 +40\n")
        .containsPattern("max/mean +1.425 +1.000\n")
        .containsPattern("slot +on rank +expert +home rank +assignments\n")
        .containsPattern("1 +1 +4 +2 +11\n")
        .containsPattern("3 +3 +0 +0 +18\n");
  }

  @Test
  void theTableOfAnEmptyMatrixSaysSo() throws IOException {
    Result result = plan("{\"counts\": [[0, 0], [0, 0]]}\n" + EXAMPLE, "--slots-per-rank", "1");

    assertThat(result.out())
        .containsPattern("max/mean +no load +no load\n")
        .contains("no clones\n\n")
        .contains("line 2: ranks 4");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"counts\": [[1, 2], [3]]} | rank 1 has 1 counts, rank 0 has 2. Give every rank one",
        "{\"counts\": [[1], [3, 4]]} | rank 1 has 2 counts, rank 0 has 1",
        "{\"counts\": [[1, 2], [3, -4]]} | rank 1, expert 1: count -4 is outside [0, 2147483647]",
        "{\"counts\": [[1, 2.5], [3, 4]]} | rank 0, expert 1: 2.5 is not a whole number. Write",
        "{\"counts\": [[1, 2e0], [3, 4]]} | rank 0, expert 1: 2e0 is not a whole number",
        "{\"counts\": [[1, NaN], [3, 4]]} | rank 0, expert 1: NaN is not a whole number",
        "{\"counts\": [[1, -Infinity], [3, 4]]} | rank 0, expert 1: -Infinity is not a whole",
        "{\"counts\": [[1, \"2\"], [3, 4]]} | rank 0, expert 1: \"2\" is not a whole number",
        "{\"counts\": [[1, null], [3, 4]]} | rank 0, expert 1: null is not a whole number",
        "{\"counts\": [[1, [2]], [3, 4]]} | rank 0, expert 1: an array is not a whole number",
        "{\"counts\": [[1, {}], [3, 4]]} | rank 0, expert 1: an object is not a whole number",
        "{\"counts\": [[2147483648, 0], [0, 0]]} | rank 0, expert 0: count 2147483648 is outside",
        "{\"counts\": [[9223372036854775808, 0], [0, 0]]} | count 9223372036854775808 is outside",
        "{\"counts\": [[2147483647, 1], [0, 0]]} | the counts sum to 2147483648 assignments; one",
        "{\"counts\": [[1, 2, 3], [4, 5, 6]]} | 3 experts cannot be shared evenly by 2 ranks",
        "{\"counts\": []} | \"counts\" has no rows. Give one row per rank",
        "{\"counts\": [[], []]} | rank 0 has no counts",
        "{\"counts\": [1, 2]} | a row of \"counts\" is 1, not an array. Write {\"counts\"",
        "{\"counts\": 7} | \"counts\" is 7, not an array",
        "{\"counts\": {\"a\": 1}} | \"counts\" is an object, not an array",
        "{\"count\": [[1]]} | the object has no \"counts\". Write {\"counts\": [[",
        "{\"counts\": [[1]], \"counts\": [[2]]} | the object has \"counts\" twice",
        "[[1, 2], [3, 4]] | an array is not an object. Write {\"counts\"",
        "{\"counts\": [[1, 2 [3, 4]]} | not JSON: Unexpected character ('['",
        "{\"counts\": [[1, 2], [3, 4]] | the input ends inside an object. Complete it",
        "{\"counts\": [[01]]} | not JSON: Invalid numeric value: Leading zeroes",
        "counts: 3 | not JSON: Unrecognized token 'counts'"
      })
  void aBadMatrixIsOneErrorThatNamesLineAndCause(String bad, String message) throws IOException {
    assertThat(errorOf(EXAMPLE + "\n" + bad)).contains("counts.json, line 2: ").contains(message);
  }

  @Test
  void answersBeforeABadLineAreGiven() throws IOException {
    Result result =
        plan(EXAMPLE + "\n{\"counts\": [[-1]]}\n" + EXAMPLE, "--slots-per-rank=1", "--json");

    assertThat(result.lines()).containsExactly(EXAMPLE_ANSWER);
    assertThat(result.err()).contains("line 2: rank 0, expert 0: count -1");
  }

  @Test
  void anErrorInsideAnObjectOfManyLinesNamesBothLines() throws IOException {
    assertThat(errorOf("\n{\n\"counts\": [\n[1, 2],\n[3, 4.5]\n]\n}"))
        .contains("counts.json, line 5 (object of line 2): rank 1, expert 1: 4.5 is not");
  }

  @Test
  void textOfTheFileCannotBreakTheErrorIntoLines() throws IOException {
    assertThat(errorOf("{\"counts\": [[\"a\\nb\\u2028" + "c".repeat(100) + "\"]]}"))
        .contains("\"a?b?ccc")
        .contains("...\" is not a whole number");
  }

  @Test
  void anInputWithoutMatricesIsAnError() throws IOException {
    assertThat(errorOf("")).contains("counts.json: holds no counts. Write one object");
    assertThat(errorOf(" \n\n")).contains("holds no counts");
  }

  @Test
  void filesThatCannotBeReadAreNamed() {
    Result missing = run("--counts", "nowhere/x.json", "--slots-per-rank", "1");
    assertThat(missing.exitCode()).isEqualTo(2);
    assertThat(missing.err())
        .isEqualToIgnoringNewLines(
            "antiphon: nowhere/x.json: no such file. Give --counts an existing file, or - for"
                + " standard input.");

    Result folder = run("--counts", directory.toString(), "--slots-per-rank", "1");
    assertThat(folder.exitCode()).isEqualTo(2);
    assertThat(folder.err()).contains("cannot be opened (it is a directory)").hasLineCount(1);

    assertThat(run("--counts", "a\0b", "--slots-per-rank", "1").err())
        .contains("a?b: not a file name");
  }

  @ParameterizedTest
  @ValueSource(strings = {"-1", "1.5", "NaN", "two", "99999999999", ""})
  void slotsThatAreNoNumberAreNamed(String slots) throws IOException {
    assertThat(errorOf(EXAMPLE, "--slots-per-rank=" + slots))
        .contains("--slots-per-rank must be a whole number from 0 to the number of experts, was")
        .contains("was " + slots + ". Use 1");
  }

  @Test
  void moreSlotsThanExpertsAreRefused() throws IOException {
    assertThat(errorOf(EXAMPLE, "--slots-per-rank=9"))
        .contains("line 1: --slots-per-rank 9 exceeds the 8 experts. Lower");
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "2"})
  void binPackingTakesOneSlotPerRank(String slots) throws IOException {
    assertThat(errorOf(EXAMPLE, "--planner=bin-packing", "--slots-per-rank=" + slots))
        .contains("takes exactly 1 slot per rank, --slots-per-rank was " + slots)
        .contains("--planner balanced");
  }

  @Test
  void anUnknownPlannerIsNamed() throws IOException {
    assertThat(errorOf(EXAMPLE, "--planner=best", "--slots-per-rank=1"))
        .contains("--planner must be one of bin-packing, one-shot, balanced, was best");
  }

  @Test
  void missingOptionsAreAUsageError() {
    Result result = run("--slots-per-rank", "1");

    assertThat(result.exitCode()).isEqualTo(2);
    assertThat(result.err()).contains("Missing required option: '--counts=FILE'");
  }

  @Test
  void helpShowsAnExample() {
    Result result = run("--help");

    assertThat(result.exitCode()).isZero();
    assertThat(result.out()).contains("antiphon plan --counts - --slots-per-rank 1");
  }

  @Test
  void aMatrixBeyondTheLimitIsRefusedBeforeItIsStored() throws IOException {
    assertThat(errorOf("{\"counts\": [[" + "0,".repeat(CountMatrix.MAX_ENTRIES) + "0]]}"))
        .contains("the matrix has more than 4194304 counts (1024 ranks x 4096 experts)");
  }

  @Test
  void aPlanBeyondTheLimitIsRefused() throws IOException {
    String row = "[" + "0,".repeat(1999) + "0],";
    String rows = row.repeat(2000).replaceFirst(",$", "");
    assertThat(errorOf("{\"counts\": [" + rows + "]}", "--slots-per-rank=5"))
        .contains("2000 x 2000 ranks x 5 slots has 20000000 entries; the limit is 16777216");
  }

  @ParameterizedTest
  @CsvSource({
    "'{\"note\": \"', x, more than 67108864 bytes", // one endless string
    "'{\"note\": [', ' 1,', more than 67108864 bytes", // an endless list
    "'', ' ', more than 67108864 bytes", // endless space
    "'{\"counts\": [[', 1, too large for counts", // one endless number
    "'', 'k', not JSON", // an endless token that is no JSON
    "'{\"note\": ', '[', too large for counts", // endless nesting
    "'{\"', 'k', too large for counts" // an endless key
  })
  @Timeout(60)
  void anEndlessLineDoesNotExhaustMemory(String start, String rest, String message) {
    InputStream before = System.in;
    try (InputStream endless = new Repeating(start, rest, 300L << 20)) {
      System.setIn(endless);
      Result result = run("--counts", "-", "--slots-per-rank", "1");
      assertThat(result.err()).contains(message).hasLineCount(1);
      assertThat(result.exitCode()).isEqualTo(2);
    } catch (IOException e) {
      throw new AssertionError(e);
    } finally {
      System.setIn(before);
    }
  }

  @Test
  void aClosedStandardOutputEndsTheRun() throws IOException {
    Path file = Files.writeString(directory.resolve("counts.json"), EXAMPLE + EXAMPLE);
    StringWriter err = new StringWriter();
    Writer closed = Writer.nullWriter();
    closed.close();
    int exitCode =
        Antiphon.commandLine()
            .setOut(new PrintWriter(closed))
            .setErr(new PrintWriter(err, true))
            .execute("plan", "--counts", file.toString(), "--slots-per-rank", "1");

    assertThat(exitCode).isEqualTo(1);
    assertThat(err.toString()).contains("standard output closed").hasLineCount(1);
  }

  /** A start, then the same text again and again, up to a number of bytes. */
  private static final class Repeating extends InputStream {
    private final byte[] start;
    private final byte[] rest;
    private final long length;
    private long position;

    Repeating(String start, String rest, long length) {
      this.start = start.getBytes(StandardCharsets.US_ASCII);
      this.rest = rest.getBytes(StandardCharsets.US_ASCII);
      this.length = length;
    }

    @Override
    public int read() {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0];
    }

    @Override
    public int read(byte[] into, int offset, int count) {
      if (position >= length) {
        return -1;
      }
      int copied = (int) Math.min(count, length - position);
      if (rest.length == 1 && position >= start.length) {
        Arrays.fill(into, offset, offset + copied, rest[0]);
        position += copied;
        return copied;
      }
      for (int i = 0; i < copied; i++, position++) {
        into[offset + i] =
            position < start.length
                ? start[(int) position]
                : rest[(int) ((position - start.length) % rest.length)];
      }
      return copied;
    }
  }
}
