package io.antiphon.kernel;

import io.antiphon.tensor.DType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Map;

/** The backends that the tests of one class share, since loading kernels takes a while. */
public final class TestDevices implements AutoCloseable {
  private final Map<DType, CudaBackend> backends = new EnumMap<>(DType.class);

  /** Folder of compiled kernels of all tests of one machine. */
  public static Path kernelCache() {
    try {
      Path folder = Path.of(System.getProperty("java.io.tmpdir"), "antiphon-test-kernels");
      return Files.createDirectories(folder);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Device 0 with this compute type. */
  public CudaBackend of(DType type) {
    return backends.computeIfAbsent(type, t -> CudaBackend.open(0, t, kernelCache()));
  }

  @Override
  public void close() {
    backends.values().forEach(CudaBackend::close);
    backends.clear();
  }
}
