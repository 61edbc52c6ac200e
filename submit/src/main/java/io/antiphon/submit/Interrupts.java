package io.antiphon.submit;

import io.antiphon.run.LostGpu;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;

/**
 * Ctrl-C while a run is on: the first asks it to stop after the step, or ends it if there is none
 * yet; the third ends the process at once. The JDK has no supported interface for signals, so this
 * one is reached by reflection; where it is missing, Ctrl-C ends the process, and the newest
 * checkpoint stands.
 */
final class Interrupts implements AutoCloseable {
  private final Runnable restore;

  private Interrupts(Runnable restore) {
    this.restore = restore;
  }

  /**
   * Calls {@code stop} on SIGINT and SIGTERM until closed.
   *
   * @param stop whether the run will stop by itself; if not, there is nothing to wait for
   * @param saves whether it writes a checkpoint when it does
   */
  static Interrupts on(BooleanSupplier stop, boolean saves) {
    AtomicInteger count = new AtomicInteger();
    Runnable handler =
        () -> {
          switch (count.incrementAndGet()) {
            case 1 -> first(stop, saves);
            case 2 -> System.err.println("antiphon: still stopping; once more ends at once");
            default -> end();
          }
        };
    try {
      Object oldInt = install("INT", proxy(handler));
      Object oldTerm = install("TERM", proxy(handler));
      return new Interrupts(
          () -> {
            try {
              install("INT", oldInt);
              install("TERM", oldTerm);
            } catch (ReflectiveOperationException e) {
              throw new IllegalStateException(e);
            }
          });
    } catch (ReflectiveOperationException | RuntimeException e) {
      return new Interrupts(() -> {});
    }
  }

  private static void end() {
    LostGpu.beforeHalt();
    Runtime.getRuntime().halt(Antiphon.INTERRUPTED);
  }

  private static void first(BooleanSupplier stop, boolean saves) {
    if (stop.getAsBoolean()) {
      System.err.println(
          saves
              ? "antiphon: stopping after this step, with a checkpoint; Ctrl-C twice more ends at"
                  + " once, without one"
              : "antiphon: stopping after this step, without a checkpoint, as checkpoint.enabled is"
                  + " false; Ctrl-C twice more ends at once");
    } else {
      System.err.println("antiphon: interrupted before the first step; nothing was trained");
      System.exit(Antiphon.INTERRUPTED);
    }
  }

  private static Object proxy(Runnable handler) throws ClassNotFoundException {
    Class<?> type = Class.forName("sun.misc.SignalHandler");
    InvocationHandler body =
        (proxy, method, arguments) -> {
          if (method.getName().equals("handle")) {
            handler.run();
            return null;
          }
          return method.invoke(handler, arguments);
        };
    return Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, body);
  }

  private static Object install(String name, Object handler) throws ReflectiveOperationException {
    Class<?> signal = Class.forName("sun.misc.Signal");
    Class<?> type = Class.forName("sun.misc.SignalHandler");
    Object instance = signal.getConstructor(String.class).newInstance(name);
    return signal.getMethod("handle", signal, type).invoke(null, instance, handler);
  }

  @Override
  public void close() {
    restore.run();
  }
}
