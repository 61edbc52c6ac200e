package io.antiphon.kernel;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.antiphon.device.CubinCache;
import io.antiphon.device.Device;
import io.antiphon.device.DeviceMemory;
import io.antiphon.device.Kernels;
import io.antiphon.device.Stream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every step of the grouped GEMM's explanation computes what the naive sums in Java say. */
class GroupedGemmLadderTest {
  private static final Path PAGE = Path.of("..", "docs", "grouped-gemm.md");
  private static final short UNTOUCHED = 0x4242;
  private static final long SEED = 20261129;

  /** A bf16 keeps 8 bits: half a unit in the last place is this much of a value. */
  private static final double ROUNDING = 1.0 / 256;

  /**
   * Tolerance of a sum in fp32, per term and of the sum of absolute terms; tensor cores may
   * truncate.
   */
  private static final double SUM_ROUNDING = 1.0 / (1 << 23);

  /**
   * Row counts, capacity, out and in: no rows, one row, whole tiles, parts of tiles, all rows on
   * one expert, more rows than there is room for, columns and depths that end inside a tile.
   */
  private static final List<Shape> SHAPES =
      List.of(
          new Shape(new int[] {0, 0, 0}, 64, 128, 64),
          new Shape(new int[] {0, 1, 0}, 64, 128, 64),
          new Shape(new int[] {64, 128}, 192, 256, 128),
          new Shape(new int[] {5, 0, 77, 64, 1}, 160, 136, 200),
          new Shape(new int[] {0, 333, 0, 0}, 333, 72, 72),
          new Shape(new int[] {100, 100}, 130, 128, 64),
          new Shape(new int[] {7, 300, 3, 290, 0, 31, 1, 200}, 900, 520, 264));

  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Shape(int[] rowCounts, int capacity, int out, int in) {
    int experts() {
      return rowCounts.length;
    }

    @Override
    public String toString() {
      return "rows %s of %d, [%d, %d]".formatted(Arrays.toString(rowCounts), capacity, out, in);
    }
  }

  @ParameterizedTest
  @EnumSource
  @Tag("gpu")
  void everyStepMultipliesTheRowsOfEachExpert(GroupedGemmLadder step) {
    try (Device device = Device.open(0)) {
      assumeTrue(
          !step.isForHopper() || device.architecture().isHopper(),
          step + " needs compute capability 9.0");
      try (Kernels kernels = new Kernels(device, new CubinCache(TestDevices.kernelCache()));
          Stream stream = device.stream(0)) {
        SHAPES.forEach(shape -> check(step, kernels, stream, shape));
      }
    }
  }

  @Test
  void thePageTellsOfEveryStep() throws IOException {
    assertThat(Files.readString(PAGE, UTF_8))
        .contains(
            Arrays.stream(GroupedGemmLadder.values())
                .map(GroupedGemmLadder::file)
                .toArray(String[]::new));
  }

  private static void check(GroupedGemmLadder step, Kernels kernels, Stream stream, Shape shape) {
    SplittableRandom random = new SplittableRandom(SEED);
    short[] x = bf16(random, shape.capacity() * shape.in());
    short[] weights = bf16(random, shape.experts() * shape.out() * shape.in());
    short[] first = run(step, kernels, stream, shape, x, weights);
    short[] second = run(step, kernels, stream, shape, x, weights);
    assertThat(second).as("%s again with %s, seed %d", step, shape, SEED).isEqualTo(first);
    int row = 0;
    for (int expert = 0; expert < shape.experts(); expert++) {
      for (int i = 0; i < shape.rowCounts()[expert] && row < shape.capacity(); i++, row++) {
        for (int column = 0; column < shape.out(); column++) {
          checkElement(step, shape, x, weights, row, expert, column, first);
        }
      }
    }
    short[] rest = Arrays.copyOfRange(first, row * shape.out(), first.length);
    for (short value : rest) {
      assertThat(value).as("%s leaves rows of nobody alone, %s", step, shape).isEqualTo(UNTOUCHED);
    }
  }

  private static void checkElement(
      GroupedGemmLadder step,
      Shape shape,
      short[] x,
      short[] weights,
      int row,
      int expert,
      int column,
      short[] result) {
    double sum = 0;
    double absolute = 0;
    for (int depth = 0; depth < shape.in(); depth++) {
      double product =
          (double) value(x[row * shape.in() + depth])
              * value(weights[(expert * shape.out() + column) * shape.in() + depth]);
      sum += product;
      absolute += Math.abs(product);
    }
    double bound = ROUNDING * Math.abs(sum) + shape.in() * SUM_ROUNDING * absolute;
    double found = value(result[row * shape.out() + column]);
    if (!(Math.abs(found - sum) <= bound)) { // millions of assertions would take long
      assertThat(found)
          .as("%s, %s, seed %d, row %d, column %d", step, shape, SEED, row, column)
          .isCloseTo(sum, Offset.offset(bound));
    }
  }

  private static short[] run(
      GroupedGemmLadder step,
      Kernels kernels,
      Stream stream,
      Shape shape,
      short[] x,
      short[] weights) {
    Device device = kernels.device();
    int results = shape.capacity() * shape.out();
    short[] untouched = new short[results];
    Arrays.fill(untouched, UNTOUCHED);
    try (DeviceMemory onDeviceX = upload(device, "x", bytes(x));
        DeviceMemory onDeviceWeights = upload(device, "weights", bytes(weights));
        DeviceMemory rowCounts = upload(device, "row counts", bytes(shape.rowCounts()));
        DeviceMemory result = upload(device, "result", bytes(untouched))) {
      step.launch(
          kernels,
          stream,
          new GroupedGemmLadder.Problem(
              shape.experts(),
              shape.capacity(),
              shape.out(),
              shape.in(),
              onDeviceX.address(),
              onDeviceWeights.address(),
              rowCounts.address(),
              result.address()));
      stream.synchronize();
      short[] values = new short[results];
      device
          .heap()
          .read(result.address(), results * Short.BYTES)
          .order(ByteOrder.LITTLE_ENDIAN)
          .asShortBuffer()
          .get(values);
      return values;
    }
  }

  private static DeviceMemory upload(Device device, String what, ByteBuffer bytes) {
    DeviceMemory memory = device.heap().allocate(what, bytes.remaining());
    device.heap().write(memory.address(), bytes);
    return memory;
  }

  private static ByteBuffer bytes(short[] values) {
    ByteBuffer bytes =
        ByteBuffer.allocate(values.length * Short.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asShortBuffer().put(values);
    return bytes;
  }

  private static ByteBuffer bytes(int[] values) {
    ByteBuffer bytes =
        ByteBuffer.allocate(values.length * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asIntBuffer().put(values);
    return bytes;
  }

  private static short[] bf16(SplittableRandom random, int length) {
    short[] values = new short[length];
    for (int i = 0; i < length; i++) {
      values[i] = (short) (Float.floatToRawIntBits((float) random.nextDouble(-1, 1)) >>> 16);
    }
    return values;
  }

  private static float value(short bf16) {
    return Float.intBitsToFloat(bf16 << 16);
  }
}
