package io.antiphon.train;

import io.antiphon.conf.Settings;
import java.io.Serializable;
import java.util.OptionalInt;

/**
 * The GPU a rank may use.
 *
 * @param gpu number of the device in this process; empty if the rank has none
 * @param whyNone why it has none; empty if it has one
 * @param sharing ranks of this process that use it, this one included
 */
public record DevicePlace(OptionalInt gpu, String whyNone, int sharing) implements Serializable {
  /** Fails unless there is a device or a reason. */
  public DevicePlace {
    if (gpu.isPresent() != whyNone.isEmpty() || sharing < 1) {
      throw new IllegalArgumentException(
          "a rank has a GPU or a reason why not, and shares it with at least itself: "
              + gpu
              + ", '"
              + whyNone
              + "', "
              + sharing);
    }
  }

  /**
   * The place of a rank whose process has the GPUs of this machine for itself: the first {@code
   * backend.ranks-per-gpu} ranks share device 0, and so on; all of them if that is 0.
   *
   * @param localRank position of the rank among the {@code localRanks} of its process
   */
  public static DevicePlace onThisMachine(Settings settings, int localRank, int localRanks) {
    int each = settings.backend().ranksPerGpu();
    if (each == 0) {
      return new DevicePlace(OptionalInt.of(0), "", localRanks);
    }
    int device = localRank / each;
    return new DevicePlace(OptionalInt.of(device), "", Math.min(each, localRanks - device * each));
  }

  /** The place of a rank that was given no GPU. */
  public static DevicePlace without(String why) {
    return new DevicePlace(OptionalInt.empty(), why, 1);
  }
}
