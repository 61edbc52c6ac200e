package io.antiphon.comm;

import io.antiphon.device.Device;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.RuntimeMXBean;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Where a rank runs, which decides how its memory is reached.
 *
 * @param host the same for all processes on one running kernel, whatever their containers
 * @param process the same for all threads of one JVM, and for nothing else
 * @param device number of the device in that process
 */
record Endpoint(String host, String process, int device) {
  private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");

  /** The calling thread's. */
  static Endpoint of(Device device) {
    RuntimeMXBean runtime = ManagementFactory.getRuntimeMXBean();
    String process = runtime.getName() + " " + runtime.getStartTime();
    return new Endpoint(host(process), process, device.ordinal());
  }

  private static String host(String process) {
    try {
      return Files.readString(BOOT_ID).strip();
    } catch (IOException e) {
      // Then other processes count as other hosts.
      return process;
    }
  }

  /** Plain pointers of one are valid in the other. */
  boolean sharesProcess(Endpoint other) {
    return host.equals(other.host) && process.equals(other.process);
  }

  boolean sharesHost(Endpoint other) {
    return host.equals(other.host);
  }

  /** Spin-waits of one may block kernels of the other. */
  boolean sharesContext(Endpoint other) {
    return sharesProcess(other) && device == other.device;
  }

  ByteBuffer encode() {
    return ByteBuffer.wrap(
        String.join("\n", host, process, Integer.toString(device))
            .getBytes(StandardCharsets.UTF_8));
  }

  static Endpoint decode(ByteBuffer message) {
    byte[] bytes = new byte[message.remaining()];
    message.get(bytes);
    List<String> parts = new String(bytes, StandardCharsets.UTF_8).lines().toList();
    return new Endpoint(parts.get(0), parts.get(1), Integer.parseInt(parts.get(2)));
  }

  @Override
  public String toString() {
    return "device " + device + " of process " + process;
  }
}
