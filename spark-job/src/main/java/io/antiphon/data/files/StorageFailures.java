package io.antiphon.data.files;

import java.io.EOFException;
import java.io.FileNotFoundException;
import java.net.URISyntaxException;
import java.net.UnknownHostException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hadoop.fs.ChecksumException;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.util.VersionInfo;

/** What failures of file systems mean to a user, where their own words do not tell. */
final class StorageFailures {
  /** Hadoop's modules of file systems, by the package of their classes. */
  private static final Map<String, String> MODULES =
      Map.of(
          "org.apache.hadoop.fs.s3a.", "hadoop-aws",
          "org.apache.hadoop.fs.azurebfs.", "hadoop-azure",
          "org.apache.hadoop.fs.azure.", "hadoop-azure",
          "org.apache.hadoop.fs.gs.", "hadoop-gcp",
          "org.apache.hadoop.fs.aliyun.", "hadoop-aliyun",
          "org.apache.hadoop.fs.cosn.", "hadoop-cos",
          "org.apache.hadoop.fs.tosfs.", "hadoop-tos",
          "org.apache.hadoop.fs.obs.", "hadoop-huaweicloud");

  /** Names that other programs have for what Hadoop serves. */
  private static final Map<String, String> SYNONYMS =
      Map.of("s3", "s3a", "s3n", "s3a", "gcs", "gs", "az", "abfs", "azure", "abfs", "nfs", "file");

  private static final Pattern MISSING_CLASS = Pattern.compile("Class (\\S+) not found");
  private static final Pattern NO_SCHEME =
      Pattern.compile("No FileSystem for scheme \"?([^\"\\s]+)\"?");
  private static final Pattern NO_HOST = Pattern.compile("no host: (\\S+)");

  private StorageFailures() {}

  /** The meaning of a failure, or of what caused it; empty where its message says enough. */
  static Optional<String> meaning(Throwable failure) {
    for (Throwable at = failure; at != null; at = at.getCause()) {
      Optional<String> meaning = meaningOf(at, String.valueOf(at.getMessage()));
      if (meaning.isPresent()) {
        return meaning;
      }
    }
    return Optional.empty();
  }

  private static Optional<String> meaningOf(Throwable failure, String message) {
    Matcher missing = MISSING_CLASS.matcher(message);
    if (failure instanceof ClassNotFoundException && missing.find()) {
      return Optional.of(missingClass(missing.group(1)));
    }
    Matcher scheme = NO_SCHEME.matcher(message);
    if (scheme.find()) {
      return Optional.of(unknownScheme(scheme.group(1)));
    }
    if (failure instanceof URISyntaxException syntax
        && syntax.getReason().equals("Relative path in absolute URI")
        && syntax.getInput().contains(":")) {
      String name = syntax.getInput().replaceFirst("^\\.(.*)\\.crc$", "$1");
      return Optional.of(
          "the name '" + name + "' has a colon, which Hadoop cannot read; rename the file");
    }
    if (failure instanceof ChecksumException) {
      return Optional.of(
          "the file differs from the checksum in the hidden file .NAME.crc beside it: it is"
              + " damaged, or was changed by other programs than Hadoop; delete the .crc file if"
              + " the content is right");
    }
    if (failure instanceof LinkageError) {
      return Optional.of(
          "its file system lacks "
              + message.replace('/', '.')
              + ", or is not of Hadoop "
              + VersionInfo.getVersion()
              + "; let spark-submit --packages bring the module with all that it needs");
    }
    if (failure instanceof UnknownHostException) {
      return Optional.of("no host has the name " + message + "; see the address");
    }
    Matcher host = NO_HOST.matcher(message);
    if (host.find()) {
      return Optional.of(
          "no host in the address " + host.group(1) + "; write hdfs://HOST:PORT/PATH");
    }
    if (failure instanceof AccessDeniedException && message.startsWith("/")) {
      return Optional.of("permission denied (" + message + ")");
    }
    if (failure instanceof NoSuchFileException
        || (failure instanceof FileNotFoundException
            && !message.contains("exist")
            && !message.contains("ermission denied"))) {
      return Optional.of("no such file (" + message + ")");
    }
    if (failure instanceof EOFException && failure.getMessage() == null) {
      return Optional.of("the file ends too early");
    }
    return failure instanceof FSError && failure.getCause() != null
        ? Optional.of(Failures.reason(failure.getCause()))
        : Optional.empty();
  }

  private static String missingClass(String name) {
    Optional<String> module =
        MODULES.entrySet().stream()
            .filter(entry -> name.startsWith(entry.getKey()))
            .map(Map.Entry::getValue)
            .findFirst();
    String missing = "class " + name + " is not on the class path; ";
    return module
        .map(
            artifact ->
                missing
                    + "start with spark-submit --packages org.apache.hadoop:"
                    + artifact
                    + ":"
                    + VersionInfo.getVersion())
        .orElse(missing + "add its jar with spark-submit --packages or --jars");
  }

  private static String unknownScheme(String scheme) {
    String known = SYNONYMS.get(scheme);
    return "Hadoop has no file system for "
        + scheme
        + "://; "
        + (known == null
            ? "use a path, or a scheme such as hdfs, s3a, abfs or gs"
            : "its name there is " + known + "://");
  }
}
