package io.antiphon.job.cluster;

import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.FilterConfig;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Optional;
import org.apache.spark.SecurityManager;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkEnv;
import org.apache.spark.internal.config.package$;

/**
 * Stands before every web page of a {@link LocalCluster}, of its master, workers and driver: it
 * answers 401 unless the request brings the password of the pages. Spark would show them to every
 * user of the machine. Spark makes an object of it for each page, hence a public class.
 */
public final class SecretFilter implements Filter {
  private static final String CHALLENGE = "Basic realm=\"Antiphon\", charset=\"UTF-8\"";

  private byte[] expected = {};

  /** Constructor for Spark, which knows the name of this class only. */
  public SecretFilter() {}

  @Override
  public void init(FilterConfig config) {
    expected = bytes(PagePassword.of(secret()).authorization());
  }

  /** The driver has it among its properties; master and workers in an environment variable. */
  private static String secret() {
    return Optional.ofNullable(SparkEnv.get())
        .map(SparkEnv::securityManager)
        .orElseGet(SecretFilter::ofThisProcess)
        .getSecretKey();
  }

  private static SecurityManager ofThisProcess() {
    return new SecurityManager(
        new SparkConf(), scala.Option.empty(), package$.MODULE$.AUTH_SECRET_FILE());
  }

  @Override
  public void doFilter(ServletRequest request, ServletResponse response, FilterChain chain)
      throws IOException, ServletException {
    String given = ((HttpServletRequest) request).getHeader("Authorization");
    if (given != null && MessageDigest.isEqual(expected, bytes(given))) {
      chain.doFilter(request, response);
      return;
    }
    HttpServletResponse refusal = (HttpServletResponse) response;
    refusal.setHeader("WWW-Authenticate", CHALLENGE);
    refusal.setStatus(HttpServletResponse.SC_UNAUTHORIZED);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
