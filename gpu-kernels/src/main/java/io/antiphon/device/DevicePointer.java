package io.antiphon.device;

import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUstream;

/** A device address in the forms in which JCuda and JavaCPP take it. */
final class DevicePointer extends CUdeviceptr {
  DevicePointer() {}

  /** A pointer to {@code address}. */
  DevicePointer(long address) {
    super(new CUdeviceptr(), address);
  }

  long address() {
    return getNativePointer() + getByteOffset();
  }

  /** For JavaCPP. */
  static org.bytedeco.javacpp.Pointer cpp(long address) {
    return new Raw(address);
  }

  /** For JavaCPP. */
  static org.bytedeco.cuda.cudart.CUstream_st cppStream(long address) {
    return new org.bytedeco.cuda.cudart.CUstream_st(new Raw(address));
  }

  /** A stream that tells its native address. */
  static final class StreamHandle extends CUstream {
    long address() {
      return getNativePointer();
    }
  }

  private static final class Raw extends org.bytedeco.javacpp.Pointer {
    Raw(long address) {
      this.address = address;
    }
  }
}
