package io.antiphon.kernel;

import io.antiphon.tensor.DType;

/** Element types as device code names them. */
final class CudaType {
  private CudaType() {}

  static String of(DType dtype) {
    return switch (dtype) {
      case F64 -> "double";
      case F32 -> "float";
      case BF16 -> "bf16";
      case I32 -> "int";
      case I64 -> "int64";
    };
  }
}
