package io.antiphon.job.transport;

import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.apache.spark.SecurityManager;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkEnv;
import org.apache.spark.network.client.TransportClientBootstrap;
import org.apache.spark.network.crypto.AuthClientBootstrap;
import org.apache.spark.network.crypto.AuthServerBootstrap;
import org.apache.spark.network.netty.SparkTransportConf;
import org.apache.spark.network.sasl.SecretKeyHolder;
import org.apache.spark.network.server.TransportServerBootstrap;
import org.apache.spark.network.util.TransportConf;
import org.apache.spark.storage.BlockManagerId;
import scala.Option;

/**
 * How ranks of one executor talk to those of another: over Spark's network library, authenticated
 * and encrypted exactly as the application's own blocks are.
 *
 * @param conf Spark's settings of the connections; {@code spark.antiphon.io.*} goes before them
 * @param host where other executors reach this one
 * @param ports the ports to try, one after the other; 0 is any free one
 * @param secrets proves that a peer belongs to the application; empty without authentication
 * @param application names the secret
 */
public record Wire(
    TransportConf conf,
    String host,
    List<Integer> ports,
    Optional<SecretKeyHolder> secrets,
    String application) {
  /** Property with the first port an executor listens on. */
  static final String PORT = "spark.antiphon.port";

  private static final String MODULE = "antiphon";
  private static final int MOST_THREADS = 4;

  /** The wire of the executor in this JVM; empty where the driver is the only executor. */
  public static Optional<Wire> ofThisExecutor() {
    SparkEnv spark = SparkEnv.get();
    BlockManagerId place = spark.blockManager().blockManagerId();
    return place.isDriver()
        ? Optional.empty()
        : Optional.of(of(spark.conf(), spark.securityManager(), place.host()));
  }

  /** The wire of an application with these settings, for an executor on {@code host}. */
  static Wire of(SparkConf spark, SecurityManager security, String host) {
    int threads = Math.min(MOST_THREADS, Runtime.getRuntime().availableProcessors());
    TransportConf conf =
        SparkTransportConf.fromSparkConf(
            spark, MODULE, threads, Option.empty(), Option.apply(security.getRpcSSLOptions()));
    Optional<SecretKeyHolder> secrets =
        security.isAuthenticationEnabled() ? Optional.of(security) : Optional.empty();
    return new Wire(conf, host, ports(spark), secrets, spark.getAppId());
  }

  private static List<Integer> ports(SparkConf spark) {
    int first = spark.getInt(PORT, 0);
    if (first == 0) {
      return List.of(0);
    }
    int tries = 1 + spark.getInt("spark.port.maxRetries", 16);
    return IntStream.range(first, first + tries).boxed().toList();
  }

  /** What a new connection does first, on the side that opened it. */
  List<TransportClientBootstrap> outgoing() {
    return secrets
        .<TransportClientBootstrap>map(known -> new AuthClientBootstrap(conf, application, known))
        .stream()
        .toList();
  }

  /** What a new connection must pass first, on the side that accepted it. */
  List<TransportServerBootstrap> incoming() {
    return secrets
        .<TransportServerBootstrap>map(known -> new AuthServerBootstrap(conf, known))
        .stream()
        .toList();
  }
}
