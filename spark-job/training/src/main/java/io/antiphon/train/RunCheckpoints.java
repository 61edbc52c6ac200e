package io.antiphon.train;

import io.antiphon.conf.Settings;
import io.antiphon.conf.SettingsReader;
import io.antiphon.conf.SettingsWriter;
import io.antiphon.conf.Version;
import io.antiphon.model.ModelState;
import io.antiphon.train.checkpoint.CheckpointException;
import io.antiphon.train.checkpoint.CheckpointManifest;
import io.antiphon.train.checkpoint.CheckpointMeta;
import io.antiphon.train.checkpoint.CheckpointReader;
import io.antiphon.train.checkpoint.Checkpoints;
import io.antiphon.train.checkpoint.Scalars;
import io.antiphon.train.checkpoint.ShardInfo;
import io.antiphon.train.checkpoint.World;
import io.antiphon.transport.Members;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/** Saves and restores one rank's share of a run; all ranks act together. */
public final class RunCheckpoints {
  private static final String WRITER = "antiphon " + Version.current();
  private static final long NONE = -1;

  private final Settings settings;
  private final RankDevice device;
  private final RankContext context;
  private final Checkpoints checkpoints;
  private final TrainingData data;
  private final Members ranks;

  private long owed = NONE;

  /**
   * What a run goes on from.
   *
   * @param step steps trained already; 0 if training begins anew
   * @param soundness of the model after it
   */
  record Restored(long step, Soundness soundness) {}

  /**
   * Checkpoints of the run with {@code settings}, seen from one rank.
   *
   * @param data what the run is trained on, as checkpoints shall tell
   */
  public RunCheckpoints(
      Settings settings,
      RankDevice device,
      RankContext context,
      Checkpoints checkpoints,
      TrainingData data) {
    this.settings = settings;
    this.device = device;
    this.context = context;
    this.checkpoints = checkpoints;
    this.data = data;
    this.ranks = Members.world(context.transport());
  }

  /**
   * Reads the newest checkpoint into {@code state}, if there is one and resuming is allowed.
   *
   * @throws io.antiphon.conf.ConfigException if the settings differ from the checkpoint's in a key
   *     that must not change
   */
  Restored restore(ModelState state) {
    long step = NONE;
    if (context.rank() == 0 && settings.checkpoint().resume()) {
      step = checkpoints.latest().map(CheckpointManifest::step).orElse(NONE);
    }
    step = ranks.numberOfTheFirst(step);
    if (step == NONE) {
      return new Restored(0, Soundness.UNTRAINED);
    }
    CheckpointManifest manifest = checkpoints.at(step);
    Settings earlier =
        SettingsReader.text("checkpoint of step " + step, manifest.meta().settings(), List.of());
    if (TrainingData.of(manifest).isPresent()) { // who started the ranks has compared it
      settings.requireResumesElsewhere(earlier, "the directory of this run");
    } else {
      settings.requireResumes(earlier, "the directory of this run");
    }
    try (CheckpointReader reader = checkpoints.open(manifest)) {
      stored(state).restore(reader, state);
    }
    return new Restored(step, Soundness.of(manifest));
  }

  /**
   * Writes a checkpoint after {@code step} steps and removes old ones, but never the last that is
   * known to be sound; returns when it is committed.
   */
  void save(ModelState state, long step, Soundness soundness) {
    ShardInfo own =
        checkpoints.begin(step, context.rank(), context.attempt()).write(stored(state).entries());
    List<ShardInfo> shards =
        ranks.exchange(ByteBuffer.wrap(own.encode())).stream()
            .map(ByteBuffer::array)
            .map(ShardInfo::decode)
            .toList();
    if (context.rank() == 0) {
      checkpoints.commit(step, shards, meta(step, soundness));
      prune(soundness);
      boolean oneTooMany = settings.checkpoint().keep() == 1 && soundness.soundStep() < step;
      owed = oneTooMany ? step : NONE;
    }
    ranks.meet();
  }

  /** Where one checkpoint is kept, the one before goes as soon as the newest is proved. */
  void settled(Soundness soundness) {
    if (owed != NONE && soundness.soundStep() >= owed) {
      prune(soundness);
      owed = NONE;
    }
  }

  private void prune(Soundness soundness) {
    checkpoints.prune(settings.checkpoint().keep(), soundness.soundStep());
  }

  /**
   * The end of a run whose model is ruined; all ranks call this and throw the same.
   *
   * @param why one sentence
   */
  RuinedModel ruined(String why, Soundness soundness) {
    long sound = NONE;
    long newest = NONE;
    if (context.rank() == 0) {
      sound = step(() -> checkpoints.latestBefore(soundness.soundStep() + 1));
      newest = step(checkpoints::latest);
    }
    sound = ranks.numberOfTheFirst(sound);
    newest = ranks.numberOfTheFirst(newest);
    StringBuilder text = new StringBuilder(why);
    if (sound == NONE) {
      text.append(". No checkpoint of this run is known to be sound");
    } else {
      text.append(". The last sound checkpoint is that of step ").append(sound);
      text.append(", ").append(checkpoints.location(sound));
      if (newest > sound) {
        text.append("; to go on from it, remove those after it, up to step ").append(newest);
      }
    }
    text.append(
        ". On sound machines the same settings come to the same end: take another --run-dir and"
            + " lower optimizer.learning-rate or raise schedule.warmup-steps");
    text.append(" (schedule.max-skipped-updates says when a run ends like this)");
    return new RuinedModel(text.toString());
  }

  private static long step(Supplier<Optional<CheckpointManifest>> found) {
    try {
      return found.get().map(CheckpointManifest::step).orElse(NONE);
    } catch (CheckpointException noneIsValid) {
      return NONE;
    }
  }

  private CheckpointMeta meta(long step, Soundness soundness) {
    return new CheckpointMeta(
        Math.multiplyExact(step, settings.schedule().globalBatch()),
        new World(settings.parallelism().ranks(), settings.parallelism().expertParallel()),
        SettingsWriter.render(settings),
        settings.fingerprint(),
        data.addTo(soundness.addTo(Scalars.none())),
        WRITER);
  }

  private StateCheckpoint stored(ModelState state) {
    return new StateCheckpoint(
        device.backend(),
        state,
        context.rank(),
        context.transport().ranks(),
        device.groups().replicas().rank() == 0);
  }
}
