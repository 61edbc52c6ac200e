package io.antiphon.train.checkpoint;

import io.antiphon.conf.Printable;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The names below the root of a run's checkpoints.
 *
 * <ul>
 *   <li>{@code step-00000100}: a checkpoint, if it has a manifest
 *   <li>{@code step-00000100.tmp-ATTEMPT}: shards on their way to become one
 *   <li>{@code step-00000100.old-ATTEMPT}: a checkpoint that ATTEMPT is replacing
 * </ul>
 */
final class CheckpointLayout {
  static final String MANIFEST = "manifest.json";

  private static final Pattern ATTEMPT = Pattern.compile("[A-Za-z0-9_-]{1,64}");
  private static final Pattern DIRECTORY =
      Pattern.compile(
          "step-(?<step>[0-9]{8,18})(\\.(?<role>tmp|old)-(?<attempt>" + ATTEMPT + "))?");
  private static final long STEP_LIMIT = 1_000_000_000_000_000_000L;

  private CheckpointLayout() {}

  /** What a directory is for. */
  enum Role {
    COMMITTED,
    WORKING,
    REPLACED
  }

  /** A directory below the root; {@code attempt} is empty for a committed one. */
  record Directory(String name, long step, Role role, String attempt) {}

  static String committed(long step) {
    return "step-%08d".formatted(step);
  }

  static String working(long step, String attempt) {
    return committed(step) + ".tmp-" + attempt;
  }

  static String replaced(long step, String attempt) {
    return committed(step) + ".old-" + attempt;
  }

  /** A rank's shard in a directory of its attempt's own. */
  static String shardFile(int rank) {
    return "rank-%05d.safetensors".formatted(rank);
  }

  /** A rank's shard in a directory that attempts share. */
  static String shardFile(int rank, String attempt) {
    return "rank-%05d-%s.safetensors".formatted(rank, attempt);
  }

  static boolean isShardFile(String file, int rank) {
    return file.matches("rank-%05d(-%s)?\\.safetensors".formatted(rank, ATTEMPT));
  }

  /** Takes a directory's name apart; empty if it is not one of ours. */
  static Optional<Directory> parse(String name) {
    Matcher matcher = DIRECTORY.matcher(name);
    if (!matcher.matches()) {
      return Optional.empty();
    }
    long step = Long.parseLong(matcher.group("step"));
    if (!name.startsWith(committed(step))) {
      return Optional.empty(); // a second spelling of the step, such as one more leading zero
    }
    String role = matcher.group("role");
    String attempt = matcher.group("attempt");
    if (role == null || attempt == null) {
      return Optional.of(new Directory(name, step, Role.COMMITTED, ""));
    }
    return Optional.of(
        new Directory(name, step, role.equals("tmp") ? Role.WORKING : Role.REPLACED, attempt));
  }

  static long requireStep(long step) {
    if (step < 0 || step >= STEP_LIMIT) {
      throw new IllegalArgumentException("step must be in [0, " + STEP_LIMIT + "), was " + step);
    }
    return step;
  }

  static String requireAttempt(String attempt) {
    if (!ATTEMPT.matcher(attempt).matches()) {
      throw new IllegalArgumentException(
          "an attempt's id must match " + ATTEMPT + ", was " + Printable.of(attempt));
    }
    return attempt;
  }
}
