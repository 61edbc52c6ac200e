package io.antiphon.device;

/** Version of CUDA that an NVIDIA driver is for. */
record CudaVersion(int major, int minor) {
  /** Major version of the libraries and the compiler. Older drivers do not load their code. */
  private static final int OLDEST_MAJOR = 13;

  /** Reads a version as CUDA counts: 13000 for 13.0. */
  static CudaVersion of(int number) {
    return new CudaVersion(number / 1000, number % 1000 / 10);
  }

  /**
   * Returns if CUDA's libraries run on this driver.
   *
   * @throws DeviceException if they do not
   */
  void requireSupported() {
    if (major < OLDEST_MAJOR) {
      throw new DeviceException(
          "the NVIDIA driver is for CUDA "
              + this
              + ", and the libraries are of CUDA "
              + OLDEST_MAJOR
              + ". Install a driver for CUDA "
              + OLDEST_MAJOR
              + ", of branch 580 or later",
          false);
    }
  }

  @Override
  public String toString() {
    return major + "." + minor;
  }
}
