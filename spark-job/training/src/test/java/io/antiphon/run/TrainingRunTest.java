package io.antiphon.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.antiphon.comm.EnvironmentException;
import io.antiphon.conf.Settings;
import io.antiphon.conf.SettingsReader;
import io.antiphon.monitor.Terminal;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainingRunTest {
  private static <T> T proxy(Class<T> type, InvocationHandler handler) {
    return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
  }

  /** Preparing data may take hours. */
  @Test
  void placesAreAskedForBeforeAnyDataIsPrepared(@TempDir Path directory) {
    List<String> asked = new ArrayList<>();
    RunHost full =
        proxy(
            RunHost.class,
            (self, method, arguments) -> {
              asked.add(method.getName());
              if (method.getName().equals("awaitPlaces")) {
                throw new EnvironmentException("too few slots");
              }
              return ""; // of close, which has no value
            });
    HostProvider hosts =
        proxy(
            HostProvider.class,
            (self, method, arguments) ->
                method.getName().equals("open")
                    ? full
                    : method.invoke(new ThreadHosts(), arguments));
    PrintStream nowhere =
        new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8);
    Settings settings = SettingsReader.preset("quickstart", List.of());
    Terminal terminal = Terminal.of(nowhere, false, Map.of());

    assertThatThrownBy(() -> new TrainingRun(settings, directory, terminal, hosts).run())
        .hasMessage("too few slots");
    assertThat(asked).containsExactly("awaitPlaces", "close");
  }
}
