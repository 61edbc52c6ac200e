package io.antiphon.device;

import java.util.Locale;

/** A device has no room for a block of memory. */
public final class OutOfDeviceMemory extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private static final double MIB = 1 << 20;

  OutOfDeviceMemory(String what, long bytes, Device.Memory memory, String advice) {
    super(
        String.format(
                Locale.ROOT,
                "asked %.1f MiB for %s; %.1f MiB of %.1f MiB are free",
                bytes / MIB,
                what,
                memory.free() / MIB,
                memory.total() / MIB)
            + (advice.isEmpty() ? "" : ". " + advice));
  }
}
