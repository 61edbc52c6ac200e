package io.antiphon.run;

import io.antiphon.conf.Settings;
import io.antiphon.data.tokenizer.Vocabulary;
import io.antiphon.model.ModelState;
import io.antiphon.train.ModelSetup;
import io.antiphon.train.RankDevice;
import io.antiphon.train.StateRestore;
import io.antiphon.train.checkpoint.Checkpoints;

/**
 * Surroundings of the work of a rank, whatever that is. It opens the rank's device, joins its
 * groups, plans the memory and makes the state of the model. If the rank is cancelled, it ends its
 * waits. If the rank fails, it tells the other ranks.
 *
 * @param settings of the run
 * @param seat of the rank
 * @param setup of the model
 * @param device of the rank, with its groups
 * @param state of the model: the rank's share, as a new run has it
 */
public record RankWork(
    Settings settings, RankSeat seat, ModelSetup setup, RankDevice device, ModelState state) {

  /** What a rank does once it is set up. */
  @FunctionalInterface
  public interface Body<R> {
    /** Works with what is open; nothing of it may be used later. */
    R on(RankWork work);
  }

  /** How a rank gets its device. */
  @FunctionalInterface
  interface Opener {
    RankDevice open();
  }

  /**
   * Sets a rank up, does its work and closes everything. All ranks of a run call this together.
   *
   * @param vocabulary of the run's text
   * @throws io.antiphon.conf.ConfigException if the rank cannot have the device it shall have
   * @throws io.antiphon.tensor.Backend.OutOfMemory if the model does not fit
   */
  public static <R> R run(Settings settings, RankSeat seat, Vocabulary vocabulary, Body<R> body) {
    return run(
        settings,
        seat,
        vocabulary,
        () -> RankDevice.open(settings, seat.transport(), seat.device().apply(settings)),
        body);
  }

  static <R> R run(
      Settings settings, RankSeat seat, Vocabulary vocabulary, Opener opener, Body<R> body) {
    try (RankDevice device = opener.open()) {
      try {
        seat.onCancel().accept(device.abandon());
        ModelSetup setup = ModelSetup.of(settings, vocabulary.size(), vocabulary.endOfText());
        device.planMemory(settings, setup);
        var experts = device.groups().experts();
        try (ModelState state =
            new ModelState(device.backend(), setup.model(), experts.rank(), experts.ranks())) {
          return body.on(new RankWork(settings, seat, setup, device, state));
        }
      } catch (RuntimeException | Error failure) {
        device.fail(seat.transport(), failure);
        throw failure;
      }
    } catch (RuntimeException | Error failure) {
      seat.transport().abort(reason(seat, failure)); // also if there was no device to fail
      throw failure;
    }
  }

  private static String reason(RankSeat seat, Throwable failure) {
    return "rank " + seat.transport().rank() + " failed: " + failure.getMessage();
  }

  /** Reads the rank's share of a checkpoint, which any number of ranks wrote, into the state. */
  void restore(CheckpointPlace place, long step) {
    Checkpoints checkpoints = place.open();
    StateRestore.of(checkpoints, checkpoints.at(step), device, state);
  }
}
