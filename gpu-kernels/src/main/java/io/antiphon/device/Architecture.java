package io.antiphon.device;

/** Compute capability of a device. */
public record Architecture(int major, int minor) {
  /** Oldest that the kernels are written for. */
  public static final Architecture OLDEST = new Architecture(8, 0);

  /** Whether this is at least {@code other}. */
  public boolean isAtLeast(Architecture other) {
    return major > other.major || (major == other.major && minor >= other.minor);
  }

  /**
   * Returns if the kernels run on this.
   *
   * @param device which device it is, in words
   * @throws DeviceException if it is too old
   */
  void requireSupported(String device) {
    if (!isAtLeast(OLDEST)) {
      throw new DeviceException(
          device
              + " has compute capability "
              + this
              + ", the kernels need "
              + OLDEST
              + " or later (Ampere, 2020). Use another GPU, or backend.kind = cpu",
          false);
    }
  }

  /**
   * Whether kernels with Hopper's own instructions run: exactly 9.0, since they are not carried on.
   */
  public boolean isHopper() {
    return major == 9 && minor == 0;
  }

  /** Name for compilers; from Hopper on with the architecture's own instructions. */
  String target() {
    return "sm_" + major + minor + (major >= 9 ? "a" : "");
  }

  @Override
  public String toString() {
    return major + "." + minor;
  }
}
