package io.antiphon.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import io.antiphon.tensor.Ops;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every operation of the fp32 backend against the fp64 oracle. */
class OpParityTest {
  private static final long[] SEEDS = {1, 2};

  static Stream<Arguments> casesAndSeeds() {
    return OpCases.all().stream()
        .flatMap(each -> Arrays.stream(SEEDS).mapToObj(seed -> Arguments.of(each, seed)));
  }

  static Stream<OpCase> cases() {
    return OpCases.all().stream();
  }

  @ParameterizedTest(name = "{0}, seed {1}")
  @MethodSource("casesAndSeeds")
  void agreesWithTheOracleAndTouchesNothingElse(OpCase opCase, long seed) {
    try (CpuBackend backend = CpuBackend.f32(1)) {
      OpParity.check(opCase, backend, seed);
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void aReplayGivesTheBitsOfAFreshCall(OpCase opCase) {
    OpCase between = OpCases.of("attentionBackward", "length=131");
    try (CpuBackend backend = CpuBackend.f32(1)) {
      OpParity.checkReplay(opCase, between, backend, SEEDS);
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void aWrongArgumentIsRefusedByNameAndNothingRuns(OpCase opCase) {
    try (CpuBackend backend = CpuBackend.f32(1)) {
      OpParity.checkArguments(opCase, backend);
    }
  }

  @Test
  void everyOperationHasACase() {
    Set<String> operations =
        Arrays.stream(Ops.class.getMethods()).map(Method::getName).collect(Collectors.toSet());
    Set<String> tested = cases().map(OpCase::operation).collect(Collectors.toSet());
    assertThat(tested).isEqualTo(operations);
  }

  @Test
  void casesDifferInTheirNames() {
    assertThat(cases().map(OpCase::toString).toList()).doesNotHaveDuplicates();
  }
}
