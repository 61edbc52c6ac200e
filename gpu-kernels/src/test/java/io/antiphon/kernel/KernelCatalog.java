package io.antiphon.kernel;

import io.antiphon.comm.Interconnect;
import io.antiphon.device.KernelSource;
import io.antiphon.tensor.DType;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Every kernel source that a launcher can ask for: the results of all static methods of the
 * packages {@code kernel} and {@code comm} that return one or a list of them, for every value of
 * their enum or boolean parameters. Nobody has to list a new launcher anywhere.
 */
final class KernelCatalog {
  private KernelCatalog() {}

  /** All sources, each once. */
  static List<KernelSource> sources() {
    Set<KernelSource> sources = new LinkedHashSet<>();
    for (Class<?> launcher : classes()) {
      for (Method method : launcher.getDeclaredMethods()) {
        int modifiers = method.getModifiers();
        if (Modifier.isStatic(modifiers)
            && !Modifier.isPrivate(modifiers)
            && returnsSources(method)) {
          arguments(method).forEach(arguments -> add(sources, method, arguments));
        }
      }
    }
    return List.copyOf(sources);
  }

  private static boolean returnsSources(Method method) {
    return method.getReturnType() == KernelSource.class
        || method
            .getGenericReturnType()
            .getTypeName()
            .endsWith("List<" + KernelSource.class.getName() + ">");
  }

  private static void add(Set<KernelSource> sources, Method method, List<Object> arguments) {
    method.setAccessible(true);
    try {
      Object result = method.invoke(null, arguments.toArray());
      for (Object source : result instanceof List<?> list ? list : List.of(result)) {
        sources.add((KernelSource) source);
      }
    } catch (InvocationTargetException e) {
      if (!(e.getCause() instanceof IllegalArgumentException)) { // a type that it has no kernel for
        throw new AssertionError(method + " failed with " + arguments, e.getCause());
      }
    } catch (IllegalAccessException e) {
      throw new AssertionError(method.toString(), e);
    }
  }

  private static List<List<Object>> arguments(Method method) {
    List<List<Object>> combinations = List.of(List.of());
    for (Class<?> type : method.getParameterTypes()) {
      List<List<Object>> longer = new ArrayList<>();
      for (List<Object> shorter : combinations) {
        for (Object value : values(method, type)) {
          List<Object> next = new ArrayList<>(shorter);
          next.add(value);
          longer.add(next);
        }
      }
      combinations = longer;
    }
    return combinations;
  }

  private static List<Object> values(Method method, Class<?> type) {
    if (type == DType.class) {
      return List.of(DType.F32, DType.BF16);
    }
    if (type == boolean.class) {
      return List.of(false, true);
    }
    if (type.isEnum()) {
      return Arrays.asList(type.getEnumConstants());
    }
    throw new AssertionError(method + ": no values known for " + type + "; add them here");
  }

  private static List<Class<?>> classes() {
    List<Class<?>> classes = new ArrayList<>();
    for (Class<?> one : List.of(CudaOps.class, Interconnect.class)) {
      addPackage(one, classes);
    }
    return classes;
  }

  /** All classes in the package of {@code one}. */
  private static void addPackage(Class<?> one, List<Class<?>> classes) {
    try {
      Path folder = Path.of(one.getResource(one.getSimpleName() + ".class").toURI()).getParent();
      try (Stream<Path> files = Files.list(folder)) {
        for (Path file : files.filter(KernelCatalog::isClass).sorted().toList()) {
          String name = file.getFileName().toString().replace(".class", "");
          classes.add(Class.forName(one.getPackageName() + "." + name));
        }
      }
    } catch (IOException | URISyntaxException | ClassNotFoundException e) {
      throw new AssertionError("cannot list the launchers", e);
    }
  }

  private static boolean isClass(Path file) {
    String name = file.getFileName().toString();
    return name.endsWith(".class") && !name.equals("package-info.class");
  }
}
