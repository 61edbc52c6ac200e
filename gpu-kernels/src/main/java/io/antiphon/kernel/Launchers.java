package io.antiphon.kernel;

import io.antiphon.device.Kernels;
import io.antiphon.tensor.DType;

/** All launchers of one device. */
final class Launchers {
  Launchers(Kernels kernels, DType real) {}
}
