package io.antiphon.kernel;

import io.antiphon.device.Device;
import io.antiphon.device.Event;
import io.antiphon.device.Stream;
import io.antiphon.tensor.Lane;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A stream as a lane. */
public final class CudaLane implements Lane, AutoCloseable {
  private final Device device;
  private final Stream stream;
  private final List<Event> events = new ArrayList<>();
  private @Nullable CudaLane leader;

  CudaLane(Device device, int priority) {
    this.device = device;
    this.stream = device.stream(priority);
  }

  /** Where this lane's work is enqueued. */
  public Stream stream() {
    if (leader != null) {
      CudaLane ahead = leader;
      leader = null;
      await(ahead.record());
    }
    return stream;
  }

  /** Orders what is enqueued on this lane from now on after what is on {@code other} by then. */
  void follow(CudaLane other) {
    leader = other;
  }

  /** Whether work was enqueued since this was last asked. */
  boolean takeUsed() {
    return stream.takeUsed();
  }

  @Override
  public Mark record() {
    Event event = device.event();
    events.add(event);
    stream().record(event);
    return new CudaMark(event);
  }

  @Override
  public void await(Mark mark) {
    stream().await(((CudaMark) mark).event());
  }

  private record CudaMark(Event event) implements Mark {}

  @Override
  public void close() {
    stream.close();
    events.forEach(Event::close);
  }
}
