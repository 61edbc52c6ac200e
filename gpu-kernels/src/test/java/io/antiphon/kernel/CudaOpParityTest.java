package io.antiphon.kernel;

import io.antiphon.cpu.OpCase;
import io.antiphon.cpu.OpCases;
import io.antiphon.cpu.OpParity;
import io.antiphon.tensor.DType;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every operation on a CUDA device against the fp64 oracle, in bf16 and in fp32; of the operations
 * whose names match the system property {@code antiphon.test.operations}, if it is set. A test for
 * which no operation is left does not run.
 */
@Tag("gpu")
class CudaOpParityTest {
  private static final long[] SEEDS = {1, 2};
  private static final int ALIGNED_GUARD = 128;
  private static final TestDevices DEVICES = new TestDevices();

  @AfterAll
  static void close() {
    DEVICES.close();
  }

  private static Stream<Arguments> withTypes(List<OpCase> cases) {
    Pattern wanted = Pattern.compile(System.getProperty("antiphon.test.operations", ""));
    return Stream.of(DType.F32, DType.BF16)
        .flatMap(
            type ->
                cases.stream()
                    .filter(each -> wanted.matcher(each.toString()).find())
                    .map(each -> Arguments.of(type, each)));
  }

  static Stream<Arguments> cases() {
    return withTypes(OpCases.all());
  }

  static Stream<Arguments> largeCases() {
    return withTypes(OpCases.large());
  }

  @ParameterizedTest(name = "{0} {1}", allowZeroInvocations = true)
  @MethodSource("cases")
  void agreesWithTheOracleAndTouchesNothingElse(DType type, OpCase opCase) {
    for (long seed : SEEDS) {
      OpParity.check(opCase, DEVICES.of(type), seed);
    }
  }

  @ParameterizedTest(name = "{0} {1}", allowZeroInvocations = true)
  @MethodSource("cases")
  void agreesWithTheOracleAtAlignedAddresses(DType type, OpCase opCase) {
    OpParity.check(opCase, DEVICES.of(type), 3, ALIGNED_GUARD);
  }

  @ParameterizedTest(name = "{0} {1}", allowZeroInvocations = true)
  @MethodSource("largeCases")
  void agreesWithTheOracleOnFastPaths(DType type, OpCase opCase) {
    OpParity.check(opCase, DEVICES.of(type), 4, ALIGNED_GUARD);
  }

  @ParameterizedTest(name = "{0} {1}", allowZeroInvocations = true)
  @MethodSource("largeCases")
  void agreesWithTheOracleAtOddAddressesOfLargeSizes(DType type, OpCase opCase) {
    OpParity.check(opCase, DEVICES.of(type), 5);
  }

  @ParameterizedTest(name = "{0} {1}", allowZeroInvocations = true)
  @MethodSource({"cases", "largeCases"})
  void aReplayGivesTheBitsOfAFreshCall(DType type, OpCase opCase) {
    OpCase between = OpCases.of("attentionBackward", "length=131");
    OpParity.checkReplay(opCase, between, DEVICES.of(type), SEEDS);
  }

  @ParameterizedTest(name = "{0} {1}", allowZeroInvocations = true)
  @MethodSource("cases")
  void aWrongArgumentIsRefusedByNameAndNothingRuns(DType type, OpCase opCase) {
    OpParity.checkArguments(opCase, DEVICES.of(type));
  }
}
