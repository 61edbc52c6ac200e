package io.antiphon.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.antiphon.job.cluster.LocalCluster;
import io.antiphon.train.report.RunSummary;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.apache.spark.SecurityManager;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.internal.config.package$;
import org.apache.spark.rpc.RpcAddress;
import org.apache.spark.rpc.RpcEnv;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * Knocks at every port on which the processes of a {@code --cluster} run listen, while it trains,
 * as another user of the machine could. The user's own settings are as careless as they may be.
 */
@EnabledOnOs(OS.LINUX)
@Timeout(300)
class ClusterDoorsTest {
  private static final Duration LIMIT = Duration.ofMinutes(3);
  private static final Duration ANSWER_LIMIT = Duration.ofSeconds(20);
  private static final String JSON =
      """
      {"action": "CreateSubmissionRequest", "clientSparkVersion": "4.2.0",
       "appResource": "file:/nothing-here.jar", "mainClass": "E", "appArgs": [],
       "environmentVariables": {},
       "sparkProperties": {"spark.app.name": "x", "spark.master": "MASTER",
         "spark.driver.cores": "0", "spark.driver.memory": "128m"}}
      """;

  @TempDir static Path directory = Path.of("");

  private static final ExecutorService BACKGROUND = Executors.newSingleThreadExecutor();
  private static Future<RunSummary.Outcome> outcome = new CompletableFuture<>();
  private static List<ListeningPort> ports = List.of();
  private static String master = "";
  private static String application = "";
  private static String secret = "";
  private static int uiPort;
  private static SmallRun run;

  @BeforeAll
  static void train() throws Exception {
    run =
        new SmallRun(
            directory,
            "doors",
            "spark.cluster=2",
            "schedule.steps=100000",
            "spark.properties.spark.ui.enabled=true",
            "spark.properties.spark.ui.port=0",
            "spark.properties.spark.master.rest.enabled=true");
    outcome = BACKGROUND.submit(run::train);
    long end = System.nanoTime() + LIMIT.toNanos();
    while (run.events("checkpoint").isEmpty()) {
      assertThat(System.nanoTime()).as("trains within %s", LIMIT).isLessThan(end);
      assertThat(outcome).as("the run is on").isNotDone();
      LockSupport.parkNanos(20_000_000);
    }
    SparkContext context = SparkSession.active().sparkContext();
    master = context.master();
    application = context.applicationId();
    secret = context.conf().get("spark.authenticate.secret");
    uiPort = URI.create(context.uiWebUrl().get()).getPort();
    ports = ListeningPort.of(processes());
  }

  private static List<ProcessHandle> processes() {
    ProcessHandle driver = ProcessHandle.current();
    return Stream.concat(Stream.of(driver), driver.descendants()).toList();
  }

  @AfterAll
  static void nothingOfThisDisturbedTheRun() throws Exception {
    try {
      run.interrupt();
      assertThat(outcome.get(LIMIT.toSeconds(), TimeUnit.SECONDS))
          .isEqualTo(RunSummary.Outcome.INTERRUPTED);
      assertThat(run.events("restart")).isEmpty();
    } finally {
      BACKGROUND.shutdownNow();
    }
  }

  @Test
  void onlyWhatMustListenListensAndOnlyToThisMachine() {
    // RPC of driver, master, 2 workers; blocks of driver and 2 executors; ranks of 2 executors;
    // pages of driver, master, 2 workers.
    assertThat(ports).hasSize(4 + 3 + 2 + 4);
    assertThat(ports)
        .filteredOn(port -> port.number() != uiPort)
        .allMatch(port -> port.address().isLoopbackAddress());
  }

  @Test
  void noPageAnswersWithoutTheSecret() throws IOException {
    Map<String, String> answers = new TreeMap<>(); // to the request that was answered so
    for (ListeningPort port : ports) {
      for (String request : requests()) {
        String answer = exchange(port, bytes(request), false);
        String kind = answer.lines().findFirst().orElse("nothing") + " from " + port;
        answers.putIfAbsent(kind, request);
      }
    }
    assertThat(answers).hasSameSizeAs(ports); // a port answers all requests in the same way
    assertThat(answers.keySet())
        .allMatch(answer -> answer.matches("(HTTP/1.1 401 .*|nothing) from .*"))
        .filteredOn(answer -> answer.startsWith("HTTP/1.1 401"))
        .hasSize(4);
  }

  @Test
  void whoStartedTheRunReadsItsPage() throws Exception {
    URI page = URI.create(LocalCluster.pages(SparkSession.active().sparkContext()).orElseThrow());
    String password = Base64.getEncoder().encodeToString(bytes(page.getUserInfo()));
    String request =
        "GET /jobs/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nAuthorization: Basic ";
    ListeningPort port =
        ports.stream().filter(one -> one.number() == page.getPort()).findFirst().orElseThrow();

    assertThat(exchange(port, bytes(request + password + "\r\n\r\n"), false))
        .startsWith("HTTP/1.1 200")
        .contains("small")
        .doesNotContain("jobs/job/kill");
  }

  private static List<String> requests() {
    List<String> requests = new ArrayList<>();
    for (String path :
        List.of(
            "/",
            "/json/",
            "/environment/",
            "/metrics/json/",
            "/metrics/master/json/",
            "/metrics/prometheus/",
            "/app/?appId=" + application,
            "/static/webui.js",
            "/jobs/",
            "/executors/threadDump/?executorId=driver",
            "/api/v1/applications",
            "/logPage/?self",
            "/log/?appId=" + application + "&executorId=0&logType=stderr",
            "/v1/submissions/status/x",
            "/json/?x=%2e%2e")) {
      requests.add("GET " + path + " HTTP/1.1\r\n");
    }
    for (String path :
        List.of(
            "/app/kill/?id=" + application + "&terminate=true",
            "/driver/kill/?id=driver-1&terminate=true",
            "/workers/kill/?host=127.0.0.1",
            "/jobs/job/kill/?id=0",
            "/stages/stage/kill/?id=0")) {
      requests.add("POST " + path + " HTTP/1.1\r\nContent-Length: 0\r\n");
      requests.add("GET " + path + " HTTP/1.1\r\n");
    }
    return Stream.concat(
            requests.stream()
                .map(
                    head ->
                        head
                            + "Host: 127.0.0.1\r\nAuthorization: Basic YW50aXBob246\r\n"
                            + "Connection: close\r\n\r\n"),
            Stream.of(submission()))
        .toList();
  }

  private static String submission() {
    String json = JSON.replace("MASTER", master);
    return "POST /v1/submissions/create HTTP/1.1\r\n"
        + "Host: 127.0.0.1\r\n"
        + "Origin: http://evil.example\r\n"
        + "Content-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
            .formatted(json.length(), json);
  }

  @Test
  void aMessageBeforeTheSecretIsRefused() throws IOException {
    // A frame of Spark's network library: its length, RpcRequest, a number, length of body, body.
    byte[] message = {0, 0, 0, 0, 0, 0, 0, 25, 3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 4, 1, 2, 3, 4};
    for (ListeningPort port : ports) {
      String answer = exchange(port, message, true);
      assertThat(answer)
          .as("answer of %s", port)
          .matches(
              text ->
                  text.isEmpty()
                      || text.startsWith("HTTP/1.1 400")
                      || (text.contains("spark.network.") && !text.contains("io.antiphon")));
    }
  }

  @Test
  void anApplicationNeedsTheSecret() {
    assertThatCode(
            () ->
                meetMaster(
                    Map.of("spark.authenticate", "true", "spark.authenticate.secret", secret)))
        .doesNotThrowAnyException();
    assertThatThrownBy(() -> meetMaster(Map.of()));
    assertThatThrownBy(
        () ->
            meetMaster(Map.of("spark.authenticate", "true", "spark.authenticate.secret", "guess")));
  }

  /** Finds the master's endpoint, as every application does before anything else. */
  private static void meetMaster(Map<String, String> properties) {
    SparkConf conf = new SparkConf(false).set("spark.rpc.askTimeout", "5s");
    properties.forEach(conf::set);
    SecurityManager security =
        new SecurityManager(conf, scala.Option.empty(), package$.MODULE$.AUTH_SECRET_FILE());
    RpcEnv peer = RpcEnv.create("peer", "127.0.0.1", 0, conf, security, true);
    try {
      peer.setupEndpointRef(RpcAddress.fromSparkURL(master), "Master");
    } finally {
      peer.shutdown();
    }
  }

  /**
   * What a port says to these bytes, until it closes the connection.
   *
   * @param end whether to say that no more will follow; it has to close then
   */
  private static String exchange(ListeningPort port, byte[] request, boolean end)
      throws IOException {
    ByteArrayOutputStream answer = new ByteArrayOutputStream();
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port.number())) {
      socket.setSoTimeout((int) ANSWER_LIMIT.toMillis());
      socket.getOutputStream().write(request);
      if (end) {
        socket.shutdownOutput();
      }
      socket.getInputStream().transferTo(answer);
    } catch (SocketException e) {
      // a reset ends it as well
    }
    return answer.toString(StandardCharsets.ISO_8859_1);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }
}
