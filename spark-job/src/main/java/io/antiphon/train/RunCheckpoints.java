package io.antiphon.train;

import io.antiphon.conf.Settings;
import io.antiphon.conf.SettingsReader;
import io.antiphon.conf.SettingsWriter;
import io.antiphon.conf.Version;
import io.antiphon.model.ModelState;
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

/** Saves and restores one rank's share of a run; all ranks act together. */
public final class RunCheckpoints {
  private static final String WRITER = "antiphon " + Version.current();
  private static final long NONE = -1;

  private final Settings settings;
  private final RankDevice device;
  private final RankContext context;
  private final Checkpoints checkpoints;
  private final Members ranks;

  /** Checkpoints of the run with {@code settings}, seen from one rank. */
  public RunCheckpoints(
      Settings settings, RankDevice device, RankContext context, Checkpoints checkpoints) {
    this.settings = settings;
    this.device = device;
    this.context = context;
    this.checkpoints = checkpoints;
    this.ranks = Members.world(context.transport());
  }

  /**
   * Reads the newest checkpoint into {@code state}, if there is one and resuming is allowed.
   *
   * @return steps trained already; 0 if training begins anew
   * @throws io.antiphon.conf.ConfigException if the settings differ from the checkpoint's in a key
   *     that must not change
   */
  public long restore(ModelState state) {
    long step = NONE;
    if (context.rank() == 0 && settings.checkpoint().resume()) {
      step = checkpoints.latest().map(CheckpointManifest::step).orElse(NONE);
    }
    step = ranks.numberOfTheFirst(step);
    if (step == NONE) {
      return 0;
    }
    CheckpointManifest manifest = checkpoints.at(step);
    Settings earlier =
        SettingsReader.text("checkpoint of step " + step, manifest.meta().settings(), List.of());
    settings.requireResumes(earlier, "the directory of this run");
    try (CheckpointReader reader = checkpoints.open(manifest)) {
      stored(state).restore(reader, state);
    }
    return step;
  }

  /**
   * Writes a checkpoint after {@code step} steps and removes old ones; returns when it is
   * committed.
   */
  public void save(ModelState state, long step) {
    ShardInfo own =
        checkpoints.begin(step, context.rank(), context.attempt()).write(stored(state).entries());
    List<ShardInfo> shards =
        ranks.exchange(ByteBuffer.wrap(own.encode())).stream()
            .map(ByteBuffer::array)
            .map(ShardInfo::decode)
            .toList();
    if (context.rank() == 0) {
      checkpoints.commit(step, shards, meta(step));
      checkpoints.prune(settings.checkpoint().keep());
    }
    ranks.meet();
  }

  private CheckpointMeta meta(long step) {
    return new CheckpointMeta(
        Math.multiplyExact(step, settings.schedule().globalBatch()),
        new World(settings.parallelism().ranks(), settings.parallelism().expertParallel()),
        SettingsWriter.render(settings),
        settings.fingerprint(),
        Scalars.none(),
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
