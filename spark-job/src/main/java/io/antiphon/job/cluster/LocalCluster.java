package io.antiphon.job.cluster;

import io.antiphon.conf.SparkDefaults;
import io.antiphon.job.barrier.ApplicationWatch;
import io.antiphon.run.GpuDiscovery;
import io.antiphon.tensor.CommException;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.spark.SparkContext;
import org.apache.spark.launcher.JavaModuleOptions;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import scala.jdk.javaapi.OptionConverters;

/**
 * A Spark standalone cluster on this machine, made of nothing but this JVM's class path: a master
 * and workers, each a JVM of its own, whose executors are JVMs too. It listens on the loopback
 * interface and admits only those who know its secret. It ends with {@link #close}, and by itself
 * when this JVM dies.
 */
public final class LocalCluster implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(LocalCluster.class);
  private static final String HOST = "127.0.0.1";
  private static final Duration START_LIMIT = Duration.ofMinutes(2);
  private static final Duration STOP_LIMIT = Duration.ofSeconds(10);
  private static final Pattern ALIVE = Pattern.compile("\"aliveworkers\"\\s*:\\s*(\\d+)");
  private static final int LOG_TAIL_LINES = 15;

  /** An executor that lives so long has not failed to start. */
  private static final Duration EXECUTOR_START = Duration.ofSeconds(15);

  /** Executors started in vain after which no other will do better. */
  private static final int MOST_STARTS = 20;

  /** Environment variable in which Spark's processes look for the application's secret. */
  private static final String SECRET_VARIABLE = "_SPARK_AUTH_SECRET";

  /** Ctrl-C in a terminal reaches all processes there, but only the driver may act on it. */
  private static final List<String> WITHOUT_CTRL_C =
      List.of("/bin/sh", "-c", "trap '' INT; exec \"$@\"", "sh");

  private final Path directory;
  private final ClusterSecurity security;
  private final List<Process> processes = new ArrayList<>();
  private final Map<String, String> properties = new TreeMap<>();
  private final Map<String, String> discovery = new TreeMap<>();

  private List<String> gpus = List.of();

  private LocalCluster(Path directory, Map<String, String> application) {
    this.directory = directory;
    this.security = new ClusterSecurity(application);
  }

  /**
   * Starts a cluster.
   *
   * @param directory for logs and work directories; what an earlier cluster left there is removed
   * @param executors number of workers, each with room for one executor
   * @param coresPerExecutor cores of an executor, as Spark counts them
   * @param gpus whether executors shall have one each of this machine's GPUs, in turn and shared
   *     where there are fewer, if there are any
   * @param application Spark's properties of the application that will use it
   * @throws io.antiphon.conf.ConfigException if the properties would let others in
   * @throws CommException if it does not come up
   */
  public static LocalCluster start(
      Path directory,
      int executors,
      int coresPerExecutor,
      boolean gpus,
      Map<String, String> application)
      throws InterruptedException {
    LocalCluster cluster = new LocalCluster(directory, application);
    try {
      if (gpus) {
        cluster.discover();
      }
      cluster.start(executors, coresPerExecutor);
      cluster.describe(executors, coresPerExecutor, application);
      return cluster;
    } catch (IOException e) {
      cluster.close();
      throw new UncheckedIOException("cannot start a cluster in " + directory + ": " + e, e);
    } catch (ApplicationWatch.ApplicationLost e) {
      cluster.close();
      throw new CommException(String.valueOf(e.getMessage()), e);
    } catch (RuntimeException | InterruptedException e) {
      cluster.close();
      throw e;
    }
  }

  /** What an application must set to run on it. */
  public Map<String, String> properties() {
    return Map.copyOf(properties);
  }

  /**
   * Where a browser finds the web pages of an application on such a cluster, with the password that
   * they ask for; empty if it shows none.
   */
  public static Optional<String> pages(SparkContext application) {
    PagePassword password = PagePassword.of(application.conf().get(ClusterSecurity.SECRET));
    return OptionConverters.toJava(application.uiWebUrl()).map(password::openedBy);
  }

  /**
   * Fails if the cluster is of no use any more: one of its processes ended, or its executors end as
   * soon as they are started, which Spark would repeat for ever.
   *
   * @throws ApplicationWatch.ApplicationLost with the reason
   */
  public void requireHealthy() {
    requireAll();
    List<Path> started = startedExecutors();
    int executors = processes.size() - 1;
    if (started.size() >= executors + MOST_STARTS && noExecutorLasts()) {
      Path log =
          started.stream()
              .map(work -> work.resolve("stderr"))
              .filter(Files::isRegularFile)
              .reduce(directory, (earlier, later) -> later);
      throw new ApplicationWatch.ApplicationLost(
          "the executors of the local cluster end as soon as they start; the last one said (%s): %s"
              .formatted(log, String.join(" ", tail(log, 1))));
    }
  }

  private boolean noExecutorLasts() {
    Instant limit = Instant.now().minus(EXECUTOR_START);
    return processes.stream()
        .flatMap(process -> process.toHandle().children())
        .noneMatch(executor -> executor.info().startInstant().orElse(limit).compareTo(limit) <= 0);
  }

  /** Work directories of all executors that were ever started, the newest last. */
  private List<Path> startedExecutors() {
    try (Stream<Path> all = Files.find(directory, 3, (path, attributes) -> isWork(path))) {
      return all.sorted(
              Comparator.comparingInt(path -> Integer.parseInt(path.getFileName().toString())))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private boolean isWork(Path path) {
    return directory.relativize(path).getNameCount() == 3
        && path.getFileName().toString().matches("[0-9]{1,9}");
  }

  private static List<String> tail(Path log, int lines) {
    try {
      List<String> all = Files.readAllLines(log);
      return all.subList(Math.max(0, all.size() - lines), all.size());
    } catch (IOException e) {
      return List.of("its log cannot be read: " + e);
    }
  }

  /** Two workers on one host would hand out the same addresses, so each sees one GPU only. */
  private void discover() throws IOException, InterruptedException {
    Path script = GpuDiscovery.writeScript(directory.resolveSibling("gpu"));
    GpuDiscovery found = GpuDiscovery.run(script);
    gpus = found.addresses();
    if (gpus.isEmpty()) {
      LOG.info("executors get no GPU: {}", found.problem());
      return;
    }
    discovery.put("spark.worker.resource.gpu.amount", "1");
    discovery.put("spark.worker.resource.gpu.discoveryScript", script.toString());
  }

  private void start(int executors, int cores) throws IOException, InterruptedException {
    removeOld();
    // Spark wants a distribution to start executors; an empty one will do, see extraClassPath.
    Files.createDirectories(directory.resolve("jars"));
    int port = freePort();
    int webPort = freePort();
    String url = "spark://" + HOST + ":" + port;
    properties.put("spark.master", url);
    spawn(
        "master",
        "",
        List.of(
            ClusterProcess.MASTER,
            "--host",
            HOST,
            "--port",
            "" + port,
            "--webui-port",
            "" + webPort));
    awaitWorkers(0, webPort);
    for (int worker = 0; worker < executors; worker++) {
      String name = "worker-" + worker;
      spawn(
          name,
          gpus.isEmpty() ? "" : gpus.get(worker % gpus.size()),
          List.of(
              ClusterProcess.WORKER,
              "--host",
              HOST,
              "--webui-port",
              "0",
              "--cores",
              "" + cores,
              "--memory",
              "1024g", // only counted; spark.executor.memory is what an executor takes
              "--work-dir",
              directory.resolve(name).toString(),
              url));
    }
    awaitWorkers(executors, webPort);
  }

  private void describe(int executors, int cores, Map<String, String> application) {
    String classPath = System.getProperty("java.class.path");
    String more = application.getOrDefault("spark.executor.extraClassPath", "");
    properties.put(
        "spark.executor.extraClassPath",
        more.isEmpty() ? classPath : classPath + File.pathSeparator + more);
    properties.put("spark.executor.cores", "" + cores);
    properties.put("spark.cores.max", "" + executors * cores);
    properties.put("spark.driver.host", HOST);
    properties.put("spark.driver.bindAddress", HOST);
    properties.putAll(security.applicationProperties());
    // An executor that asks for a GPU where no worker has one would be waited for in vain.
    properties.put(SparkDefaults.GPU_PER_EXECUTOR, gpus.isEmpty() ? "0" : "1");
    if (!application.containsKey("spark.executor.extraJavaOptions")) {
      properties.put("spark.executor.extraJavaOptions", logging());
    }
  }

  private static String logging() {
    return "-Dlog4j2.configurationFile=classpath:" + SparkDefaults.LOG4J2_RESOURCE;
  }

  /**
   * @param gpu the only one the process and its executors may see; empty for no such limit
   */
  private void spawn(String name, String gpu, List<String> arguments) throws IOException {
    List<String> command = new ArrayList<>(WITHOUT_CTRL_C);
    Path javaHome = Path.of(System.getProperty("java.home"));
    command.add(javaHome.resolve("bin").resolve("java").toString());
    command.add("-Xmx256m");
    command.add("-XX:+UseSerialGC");
    command.add("-XX:TieredStopAtLevel=1"); // they start, and then do next to nothing
    command.addAll(List.of(JavaModuleOptions.defaultModuleOptionArray()));
    command.add(logging());
    command.addAll(security.daemonOptions());
    if (!gpu.isEmpty()) {
      discovery.forEach((key, value) -> command.add("-D" + key + "=" + value));
    }
    command.addAll(
        List.of("-cp", System.getProperty("java.class.path"), ClusterProcess.class.getName()));
    command.addAll(arguments);
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(directory.toFile())
            .redirectErrorStream(true)
            .redirectOutput(log(name).toFile());
    Map<String, String> environment = builder.environment();
    environment.keySet().removeIf(key -> key.startsWith("SPARK_"));
    environment.put("JAVA_HOME", javaHome.toString());
    if (!gpu.isEmpty()) {
      environment.put("CUDA_VISIBLE_DEVICES", gpu);
    }
    environment.put("SPARK_HOME", directory.toString());
    environment.put("SPARK_LOCAL_IP", HOST);
    // Spark derives it from the layout of a distribution.
    environment.put("SPARK_SCALA_VERSION", scalaVersion());
    environment.put(SECRET_VARIABLE, security.secret());
    processes.add(builder.start());
  }

  private static String scalaVersion() {
    String[] parts = scala.util.Properties.versionNumberString().split("\\.", -1);
    return parts[0] + "." + parts[1];
  }

  private Path log(String name) {
    return directory.resolve(name + ".log");
  }

  private void awaitWorkers(int wanted, int webPort) throws IOException, InterruptedException {
    HttpClient http = HttpClient.newHttpClient();
    HttpRequest question =
        HttpRequest.newBuilder(URI.create("http://" + HOST + ":" + webPort + "/json/"))
            .header("Authorization", security.pagePassword().authorization())
            .build();
    long end = System.nanoTime() + START_LIMIT.toNanos();
    int alive = -1;
    while (alive < wanted) {
      requireAll();
      if (System.nanoTime() > end) {
        throw new CommException(
            "the local cluster did not come up within %d s; its logs are in %s"
                .formatted(START_LIMIT.toSeconds(), directory));
      }
      Thread.sleep(50);
      try {
        HttpResponse<String> answer = http.send(question, HttpResponse.BodyHandlers.ofString());
        Matcher matcher = ALIVE.matcher(answer.body());
        alive = matcher.find() ? Integer.parseInt(matcher.group(1)) : -1;
      } catch (IOException e) {
        // the master does not listen yet
      }
    }
  }

  private void requireAll() {
    for (int i = 0; i < processes.size(); i++) {
      if (!processes.get(i).isAlive()) {
        String name = i == 0 ? "master" : "worker-" + (i - 1);
        throw new ApplicationWatch.ApplicationLost(
            "the %s of the local cluster ended (%s): %s"
                .formatted(name, log(name), String.join("\n", tail(log(name), LOG_TAIL_LINES))));
      }
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  private void removeOld() throws IOException {
    if (!Files.exists(directory)) {
      return;
    }
    List<Path> deepestFirst;
    try (Stream<Path> all = Files.walk(directory)) {
      deepestFirst = all.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path path : deepestFirst) {
      Files.delete(path);
    }
  }

  /** Ends all processes and waits for them; their logs stay. */
  @Override
  public void close() {
    List<ProcessHandle> all = new ArrayList<>();
    for (Process process : processes) {
      process.descendants().forEach(all::add); // executors
      all.add(process.toHandle());
    }
    all.forEach(ProcessHandle::destroy);
    long end = System.nanoTime() + STOP_LIMIT.toNanos();
    for (ProcessHandle process : all) {
      try {
        process.onExit().get(Math.max(1, end - System.nanoTime()), TimeUnit.NANOSECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        process.destroyForcibly();
      } catch (ExecutionException | TimeoutException e) {
        process.destroyForcibly();
      }
    }
  }
}
