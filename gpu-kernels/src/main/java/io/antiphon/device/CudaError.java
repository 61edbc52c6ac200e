package io.antiphon.device;

import java.util.Set;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;

/** What CUDA's error codes mean here. */
final class CudaError {
  /** This is no error: earlier work is not done yet. */
  static final int NOT_READY = CUresult.CUDA_ERROR_NOT_READY;

  static final int OUT_OF_MEMORY = CUresult.CUDA_ERROR_OUT_OF_MEMORY;
  static final int PEER_ACCESS_ALREADY_ENABLED = CUresult.CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED;

  /** Later than JCuda: an error of the GPU that it contained to this process. */
  private static final int CONTAINED = 226;

  /** Later than JCuda: a kernel left tensor memory allocated. */
  private static final int TENSOR_MEMORY_LEAK = 721;

  /** Unknown to JCuda: the multi-process service has ended this process's work. */
  private static final int MPS_CLIENT_TERMINATED = 810;

  /**
   * Errors after which every call of the process fails, as CUDA documents: the process must end to
   * use the device again.
   */
  private static final Set<Integer> STICKY =
      Set.of(
          CUresult.CUDA_ERROR_ECC_UNCORRECTABLE,
          CUresult.CUDA_ERROR_NVLINK_UNCORRECTABLE,
          CONTAINED,
          CUresult.CUDA_ERROR_ILLEGAL_ADDRESS,
          CUresult.CUDA_ERROR_LAUNCH_TIMEOUT,
          CUresult.CUDA_ERROR_ASSERT,
          CUresult.CUDA_ERROR_HARDWARE_STACK_ERROR,
          CUresult.CUDA_ERROR_ILLEGAL_INSTRUCTION,
          CUresult.CUDA_ERROR_MISALIGNED_ADDRESS,
          CUresult.CUDA_ERROR_INVALID_ADDRESS_SPACE,
          CUresult.CUDA_ERROR_INVALID_PC,
          CUresult.CUDA_ERROR_LAUNCH_FAILED,
          TENSOR_MEMORY_LEAK,
          MPS_CLIENT_TERMINATED);

  private CudaError() {}

  /** Whether a process has lost the device for good after that error. */
  static boolean isSticky(int code) {
    return STICKY.contains(code);
  }

  /** CUDA's name of an error; CUDA itself is asked for those that are later than JCuda. */
  static String nameOf(int code) {
    String known = CUresult.stringFor(code);
    if (known.startsWith("CUDA_")) {
      return known;
    }
    String[] name = new String[1];
    return JCudaDriver.cuGetErrorName(code, name) == 0 ? name[0] : "unknown error";
  }
}
