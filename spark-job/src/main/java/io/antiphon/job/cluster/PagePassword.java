package io.antiphon.job.cluster;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.Base64;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * What a web page of a {@link LocalCluster} asks for. It follows from the cluster's secret, but not
 * the secret from it: a person who gets hold of it can read pages and do nothing else.
 *
 * @param value 64 hexadecimal digits
 */
record PagePassword(String value) {
  private static final String ALGORITHM = "HmacSHA256";
  private static final String USER = "antiphon";

  /** The password of the cluster with this secret. */
  static PagePassword of(String secret) {
    try {
      Mac mac = Mac.getInstance(ALGORITHM);
      mac.init(new SecretKeySpec(utf8(secret), ALGORITHM));
      return new PagePassword(HexFormat.of().formatHex(mac.doFinal(utf8("web pages"))));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java has " + ALGORITHM, e);
    }
  }

  /** Value of the header {@code Authorization} that opens a page. */
  String authorization() {
    return "Basic " + Base64.getEncoder().encodeToString(utf8(USER + ":" + value));
  }

  /** Puts user and password into an address, as a browser takes it. */
  String openedBy(String address) {
    return address.replaceFirst("//", "//" + USER + ":" + value + "@");
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
