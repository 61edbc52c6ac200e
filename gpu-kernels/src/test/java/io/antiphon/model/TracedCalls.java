package io.antiphon.model;

import io.antiphon.tensor.Backend;
import io.antiphon.tensor.Collectives;
import io.antiphon.tensor.Ops;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;

/**
 * Notes the operations and collectives that a layer enqueues, with their arguments, so that each
 * can be enqueued again alone.
 */
final class TracedCalls {
  /** One operation; {@code again} enqueues it with the same arguments. */
  record Call(String operation, Runnable again) {}

  private final List<Call> calls = new ArrayList<>();

  /** Wraps a backend so that its operations are noted. */
  Backend traced(Backend backend) {
    return proxy(
        Backend.class,
        (method, arguments) -> {
          if (method.getName().equals("ops")) {
            return traced(Ops.class, backend.ops());
          }
          return invoke(backend, method, arguments);
        });
  }

  /** Wraps groups so that their collectives are noted. */
  Groups traced(Groups groups) {
    return new Groups(
        traced(Collectives.class, groups.world()),
        traced(Collectives.class, groups.experts()),
        traced(Collectives.class, groups.weights()),
        traced(Collectives.class, groups.replicas()));
  }

  /** What was enqueued since the last call of this method. */
  List<Call> take() {
    List<Call> taken = List.copyOf(calls);
    calls.clear();
    return taken;
  }

  private <T> T traced(Class<T> type, T target) {
    return proxy(
        type,
        (method, arguments) -> {
          if (method.getReturnType() == void.class) {
            calls.add(new Call(method.getName(), () -> invoke(target, method, arguments)));
          }
          return invoke(target, method, arguments);
        });
  }

  /** What a proxy does when a method is called. */
  private interface Handler {
    Object call(Method method, Object[] arguments);
  }

  private static <T> T proxy(Class<T> type, Handler handler) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, arguments) -> handler.call(method, arguments)));
  }

  private static Object invoke(Object target, Method method, Object[] arguments) {
    try {
      return method.invoke(target, arguments);
    } catch (InvocationTargetException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw new IllegalStateException(method + " failed", e.getCause());
    } catch (IllegalAccessException e) {
      throw new IllegalStateException(e);
    }
  }
}
