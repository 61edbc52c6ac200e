package io.antiphon.comm;

import static org.bytedeco.cuda.global.nccl.ncclGetVersion;
import static org.bytedeco.cuda.global.nccl.ncclSuccess;

import io.antiphon.device.DeviceException;
import io.antiphon.device.NativeLibraries;

/** NVIDIA's library of collectives. */
public final class NcclLibrary {
  private NcclLibrary() {}

  /**
   * Version, as "2.28.3".
   *
   * @throws DeviceException if it is not installed; the message says where it was looked for
   */
  public static String version() {
    int[] version = new int[1];
    NativeLibraries.load("libnccl.so.2", "NVIDIA's collectives", () -> ask(version));
    return text(version[0]);
  }

  private static void ask(int[] version) {
    int result = ncclGetVersion(version);
    if (result != ncclSuccess) {
      throw new DeviceException("ncclGetVersion failed (" + result + ")", null);
    }
  }

  /** NCCL counts 22803 for 2.28.3. */
  static String text(int version) {
    return version / 10_000 + "." + version / 100 % 100 + "." + version % 100;
  }
}
