package io.antiphon.monitor;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A headless Chromium with one page at a time, driven over the DevTools protocol. Every wait has a
 * deadline.
 */
final class Chromium implements AutoCloseable {

  private static final Duration DEADLINE = Duration.ofSeconds(60);
  private static final List<String> NAMES =
      List.of("chromium", "chromium-browser", "google-chrome", "google-chrome-stable");
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Process process;
  private final WebSocket socket;
  private final Messages messages;
  private final AtomicInteger lastId = new AtomicInteger();
  private String session = "";

  private Chromium(Process process, WebSocket socket, Messages messages) {
    this.process = process;
    this.socket = socket;
    this.messages = messages;
  }

  /** The browser's program, if one is on the path. */
  static Optional<Path> find() {
    String path = System.getenv().getOrDefault("PATH", "");
    return Stream.of(path.split(File.pathSeparator))
        .flatMap(directory -> NAMES.stream().map(name -> Path.of(directory, name)))
        .filter(Files::isExecutable)
        .findFirst();
  }

  /** Starts the browser. */
  static Chromium start(Path program, Path profile) throws Exception {
    Process process =
        new ProcessBuilder(
                program.toString(),
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--disable-dev-shm-usage",
                "--hide-scrollbars",
                "--remote-debugging-port=0",
                "--user-data-dir=" + profile)
            .redirectErrorStream(true)
            .start();
    CompletableFuture<URI> address = new CompletableFuture<>();
    Thread output = new Thread(() -> readAddress(process, address), "chromium output");
    output.setDaemon(true);
    output.start();
    try {
      Messages messages = new Messages();
      WebSocket socket =
          HttpClient.newHttpClient()
              .newWebSocketBuilder()
              .buildAsync(await(address), messages)
              .get(DEADLINE.toSeconds(), TimeUnit.SECONDS);
      return new Chromium(process, socket, messages);
    } catch (Exception e) {
      process.destroyForcibly();
      throw e;
    }
  }

  private static void readAddress(Process process, CompletableFuture<URI> address) {
    Pattern announcement = Pattern.compile("DevTools listening on (ws://\\S+)");
    StringBuilder seen = new StringBuilder();
    try (BufferedReader reader = process.inputReader(StandardCharsets.UTF_8)) {
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        seen.append(line).append('\n');
        var match = announcement.matcher(line);
        if (match.find()) {
          address.complete(URI.create(match.group(1)));
        }
      }
      address.completeExceptionally(new IOException("the browser ended early:\n" + seen));
    } catch (IOException e) {
      address.completeExceptionally(e);
    }
  }

  /** Goes to a new, empty page; complaints and requests then are those of this page. */
  void newPage() throws Exception {
    session = "";
    messages.events.clear();
    String target =
        call("Target.createTarget", Map.of("url", "about:blank")).get("targetId").asText();
    session =
        call("Target.attachToTarget", Map.of("targetId", target, "flatten", true))
            .get("sessionId")
            .asText();
    for (String domain : List.of("Page", "Runtime", "Log", "Network")) {
      call(domain + ".enable", Map.of());
    }
  }

  /** Opens an address and waits until the page has loaded. */
  void open(URI address) throws Exception {
    CompletableFuture<JsonNode> loaded = messages.next("Page.loadEventFired");
    call("Page.navigate", Map.of("url", address.toString()));
    await(loaded);
  }

  /** Size of the page in CSS pixels, and which colours it shall prefer. */
  void show(int width, int height, boolean dark) throws Exception {
    call(
        "Emulation.setDeviceMetricsOverride",
        Map.of("width", width, "height", height, "deviceScaleFactor", 1, "mobile", false));
    call(
        "Emulation.setEmulatedMedia",
        Map.of(
            "features",
            List.of(Map.of("name", "prefers-color-scheme", "value", dark ? "dark" : "light"))));
  }

  /** Runs script in the page, waits for its promise if it gives one, and returns its value. */
  JsonNode evaluate(String script) throws Exception {
    JsonNode result =
        call(
            "Runtime.evaluate",
            Map.of("expression", script, "awaitPromise", true, "returnByValue", true));
    if (result.has("exceptionDetails")) {
      throw new AssertionError(script + "\n" + result.get("exceptionDetails").toPrettyString());
    }
    return result.get("result").path("value");
  }

  /** Waits until all scheduled drawing is done. */
  void settle() throws Exception {
    evaluate(
        "new Promise(done => requestAnimationFrame(() => requestAnimationFrame("
            + "() => requestAnimationFrame(() => done(true)))))");
  }

  void mouse(String type, double x, double y) throws Exception {
    mouse(type, x, y, type.equals("mouseMoved") ? 0 : 1);
  }

  void doubleClick(double x, double y) throws Exception {
    for (int click = 1; click <= 2; click++) {
      mouse("mousePressed", x, y, click);
      mouse("mouseReleased", x, y, click);
    }
  }

  private void mouse(String type, double x, double y, int clicks) throws Exception {
    call(
        "Input.dispatchMouseEvent",
        Map.of(
            "type",
            type,
            "x",
            x,
            "y",
            y,
            "button",
            clicks == 0 ? "none" : "left",
            "clickCount",
            clicks));
  }

  /** A picture of the whole page. */
  void screenshot(Path file) throws Exception {
    JsonNode size = evaluate("({h: document.documentElement.scrollHeight, w: innerWidth})");
    JsonNode picture =
        call(
            "Page.captureScreenshot",
            Map.of(
                "captureBeyondViewport",
                true,
                "clip",
                Map.of(
                    "x", 0, "y", 0, "width", size.get("w"), "height", size.get("h"), "scale", 1)));
    Files.createDirectories(file.getParent());
    Files.write(file, Base64.getDecoder().decode(picture.get("data").asText()));
  }

  /** What the page complained about: exceptions, console errors and failed loads. */
  List<String> complaints() {
    List<String> complaints = new ArrayList<>();
    for (JsonNode event : messages.events) {
      String method = event.get("method").asText();
      String level = event.path("params").path("entry").path("level").asText();
      String type = event.path("params").path("type").asText();
      if (method.equals("Runtime.exceptionThrown")
          || method.equals("Network.loadingFailed")
          || (method.equals("Log.entryAdded") && !level.equals("verbose") && !level.equals("info"))
          || (method.equals("Runtime.consoleAPICalled")
              && (type.equals("error") || type.equals("warning") || type.equals("assert")))) {
        complaints.add(event.toString());
      }
    }
    return complaints;
  }

  /** Addresses the page asked for, data in the address itself aside. */
  List<String> requests() {
    return messages.events.stream()
        .filter(event -> event.get("method").asText().equals("Network.requestWillBeSent"))
        .map(event -> event.get("params").get("request").get("url").asText())
        .filter(url -> !url.startsWith("data:"))
        .toList();
  }

  private JsonNode call(String method, Map<String, ?> parameters) throws Exception {
    int id = lastId.incrementAndGet();
    ObjectNode request = JSON.createObjectNode().put("id", id).put("method", method);
    request.set("params", JSON.valueToTree(parameters));
    if (!session.isEmpty()) {
      request.put("sessionId", session);
    }
    CompletableFuture<JsonNode> answer = messages.answer(id);
    socket.sendText(request.toString(), true).get(DEADLINE.toSeconds(), TimeUnit.SECONDS);
    JsonNode message = await(answer);
    if (message.has("error")) {
      throw new IOException(method + ": " + message.get("error"));
    }
    return message.get("result");
  }

  private static <T> T await(CompletableFuture<T> future) throws Exception {
    try {
      return future.get(DEADLINE.toSeconds(), TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      throw new AssertionError("the browser did not answer within " + DEADLINE, e);
    } catch (ExecutionException e) {
      throw new IOException("the browser failed", e);
    }
  }

  /** Asks the browser to end, so that it cleans up behind itself, and insists after a while. */
  @Override
  public void close() {
    List<ProcessHandle> processes =
        Stream.concat(process.descendants(), Stream.of(process.toHandle())).toList();
    var unused = socket.sendText("{\"id\": 0, \"method\": \"Browser.close\"}", true);
    for (ProcessHandle ending : processes) {
      ending
          .onExit()
          .completeOnTimeout(ending, DEADLINE.toSeconds(), TimeUnit.SECONDS)
          .thenAccept(ProcessHandle::destroyForcibly)
          .join();
    }
    socket.abort();
  }

  /** Sorts what the browser sends into answers and events. */
  private static final class Messages implements WebSocket.Listener {
    final List<JsonNode> events = new CopyOnWriteArrayList<>();
    private final Map<Integer, CompletableFuture<JsonNode>> answers = new ConcurrentHashMap<>();
    private final Map<String, CompletableFuture<JsonNode>> awaited = new ConcurrentHashMap<>();
    private final StringBuilder partial = new StringBuilder();

    CompletableFuture<JsonNode> answer(int id) {
      return answers.computeIfAbsent(id, key -> new CompletableFuture<>());
    }

    CompletableFuture<JsonNode> next(String method) {
      CompletableFuture<JsonNode> future = new CompletableFuture<>();
      awaited.put(method, future);
      return future;
    }

    @Override
    public @Nullable CompletionStage<?> onText(WebSocket socket, CharSequence text, boolean last) {
      partial.append(text);
      if (last) {
        deliver(partial.toString());
        partial.setLength(0);
      }
      socket.request(1);
      return null;
    }

    private void deliver(String text) {
      JsonNode message;
      try {
        message = JSON.readTree(text);
      } catch (IOException e) {
        throw new AssertionError("not JSON: " + text, e);
      }
      if (message.has("id")) {
        answer(message.get("id").asInt()).complete(message);
        return;
      }
      events.add(message);
      CompletableFuture<JsonNode> waiting = awaited.remove(message.get("method").asText());
      if (waiting != null) {
        waiting.complete(message);
      }
    }
  }
}
