package io.antiphon.device;

import static org.bytedeco.cuda.global.nvrtc.nvrtcAddNameExpression;
import static org.bytedeco.cuda.global.nvrtc.nvrtcCompileProgram;
import static org.bytedeco.cuda.global.nvrtc.nvrtcCreateProgram;
import static org.bytedeco.cuda.global.nvrtc.nvrtcDestroyProgram;
import static org.bytedeco.cuda.global.nvrtc.nvrtcGetCUBIN;
import static org.bytedeco.cuda.global.nvrtc.nvrtcGetCUBINSize;
import static org.bytedeco.cuda.global.nvrtc.nvrtcGetErrorString;
import static org.bytedeco.cuda.global.nvrtc.nvrtcGetLoweredName;
import static org.bytedeco.cuda.global.nvrtc.nvrtcGetProgramLog;
import static org.bytedeco.cuda.global.nvrtc.nvrtcGetProgramLogSize;
import static org.bytedeco.cuda.global.nvrtc.nvrtcVersion;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.bytedeco.cuda.nvrtc._nvrtcProgram;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.javacpp.SizeTPointer;

/** The run-time compiler of CUDA. */
final class Nvrtc {
  private static final String LIBRARY = "libnvrtc.so.13";

  private Nvrtc() {}

  /** Options of every compilation. */
  static List<String> options(Architecture architecture) {
    return List.of(
        "--gpu-architecture=" + architecture.target(),
        "--std=c++17",
        "--device-as-default-execution-space");
  }

  /** Version of the compiler, as "13.0". */
  static String version() {
    int[] major = new int[1];
    int[] minor = new int[1];
    NativeLibraries.load(
        LIBRARY,
        "CUDA's run-time compiler",
        () -> check(nvrtcVersion(major, minor), "nvrtcVersion"));
    return major[0] + "." + minor[0];
  }

  /** Compiles {@code source} to machine code of {@code architecture}. */
  static Cubin compile(
      KernelSource source, String text, Map<String, String> headers, Architecture architecture) {
    version();
    _nvrtcProgram program = new _nvrtcProgram();
    PointerPointer<BytePointer> headerTexts =
        new PointerPointer<>(headers.values().toArray(String[]::new));
    PointerPointer<BytePointer> headerNames =
        new PointerPointer<>(headers.keySet().toArray(String[]::new));
    check(
        nvrtcCreateProgram(
            program,
            new BytePointer(text),
            new BytePointer(source.file()),
            headers.size(),
            headerTexts,
            headerNames),
        "nvrtcCreateProgram");
    try {
      for (String name : source.names()) {
        check(nvrtcAddNameExpression(program, name), "nvrtcAddNameExpression");
      }
      List<String> options = options(architecture);
      int result =
          nvrtcCompileProgram(
              program, options.size(), new PointerPointer<>(options.toArray(String[]::new)));
      if (result != 0) {
        throw new DeviceException(
            "cannot compile "
                + source.file()
                + " for "
                + architecture.target()
                + ":\n"
                + log(program),
            false);
      }
      Map<String, String> names = new TreeMap<>();
      for (String name : source.names()) {
        names.put(name, loweredName(program, name));
      }
      return new Cubin(names, code(program));
    } finally {
      nvrtcDestroyProgram(program);
    }
  }

  private static String loweredName(_nvrtcProgram program, String name) {
    PointerPointer<Pointer> lowered = new PointerPointer<>(1L);
    check(
        nvrtcGetLoweredName(program, new BytePointer(name), lowered),
        "nvrtcGetLoweredName of " + name);
    return lowered.getString(0);
  }

  private static byte[] code(_nvrtcProgram program) {
    SizeTPointer size = new SizeTPointer(1);
    check(nvrtcGetCUBINSize(program, size), "nvrtcGetCUBINSize");
    byte[] code = new byte[Math.toIntExact(size.get())];
    check(nvrtcGetCUBIN(program, code), "nvrtcGetCUBIN");
    return code;
  }

  private static String log(_nvrtcProgram program) {
    SizeTPointer size = new SizeTPointer(1);
    check(nvrtcGetProgramLogSize(program, size), "nvrtcGetProgramLogSize");
    BytePointer text = new BytePointer(size.get());
    check(nvrtcGetProgramLog(program, text), "nvrtcGetProgramLog");
    return text.getString();
  }

  private static void check(int result, String call) {
    if (result != 0) {
      throw new DeviceException(
          call + " failed: " + nvrtcGetErrorString(result).getString() + " (" + result + ")",
          false);
    }
  }
}
