package io.antiphon.simulate;

import io.antiphon.plan.EchoPlan;
import io.antiphon.plan.PlanShape;
import io.antiphon.plan.Planner;
import java.util.Arrays;

/**
 * One way to place experts, as it is compared: turns counts into what every rank has to do. Keeps
 * working memory: belongs to one thread.
 */
sealed interface Competitor {

  /**
   * What a placement took.
   *
   * @param clones extra copies of experts in use
   * @param planNanos time of the planner on this machine's CPU; 0 if it did not plan
   */
  record Effort(int clones, long planNanos) {}

  /**
   * Places the experts for these counts.
   *
   * @param counts {@code [ranks, experts]}, read
   * @param placement of {@link Eplb} for these counts; others do not look at it
   * @param flow cleared by the caller, filled here
   */
  Effort place(int[] counts, Eplb.Placement placement, RankFlow flow);

  /** An ECHO planner, planning from the very counts. */
  final class Planned implements Competitor {
    private final Planner planner;
    private final long cloneBytes;
    private final EchoPlan plan;
    private final int[] left;
    private final int[] nextSlot;
    private final int[] firstSlot;

    /**
     * @param cloneBytes what each clone sends and returns
     */
    Planned(Planner planner, long cloneBytes) {
      this.planner = planner;
      this.cloneBytes = cloneBytes;
      this.plan = new EchoPlan(planner.shape());
      this.left = new int[planner.shape().experts()];
      this.firstSlot = new int[planner.shape().experts()];
      this.nextSlot = new int[planner.shape().slots()];
    }

    @Override
    public Effort place(int[] counts, Eplb.Placement placement, RankFlow flow) {
      long begin = System.nanoTime();
      planner.plan(counts, plan);
      long nanos = System.nanoTime() - begin;
      sendRows(counts, flow);
      int clones = sendWeights(flow);
      return new Effort(clones, planner.shape().slots() == 0 ? 0 : nanos);
    }

    private void sendRows(int[] counts, RankFlow flow) {
      PlanShape shape = planner.shape();
      int[] slotHome = plan.slotHome();
      for (int source = 0; source < shape.ranks(); source++) {
        System.arraycopy(counts, source * shape.experts(), left, 0, shape.experts());
        for (int slot = 0; slot < slotHome.length; slot++) {
          int moved = plan.toSlot()[source * slotHome.length + slot];
          if (moved > 0) {
            left[slotHome[slot]] -= moved;
            flow.rows(source, shape.slotRank(slot), shape.physicalSlot(slot), moved);
          }
        }
        for (int expert = 0; expert < shape.experts(); expert++) {
          if (left[expert] > 0) {
            flow.rows(source, shape.homeRank(expert), shape.physicalHome(expert), left[expert]);
          }
        }
      }
    }

    /** Expert by expert, slots ascending, as {@link RankFlow#weights} wants them. */
    private int sendWeights(RankFlow flow) {
      int[] slotHome = plan.slotHome();
      Arrays.fill(firstSlot, EchoPlan.UNUSED);
      int clones = 0;
      for (int slot = slotHome.length - 1; slot >= 0; slot--) {
        if (slotHome[slot] != EchoPlan.UNUSED) {
          nextSlot[slot] = firstSlot[slotHome[slot]];
          firstSlot[slotHome[slot]] = slot;
          clones++;
        }
      }
      PlanShape shape = planner.shape();
      for (int expert = 0; expert < shape.experts(); expert++) {
        int home = shape.homeRank(expert);
        for (int slot = firstSlot[expert]; slot != EchoPlan.UNUSED; slot = nextSlot[slot]) {
          flow.weights(expert, home, shape.slotRank(slot), cloneBytes);
        }
      }
      return clones;
    }
  }

  /** EPLB: replicas placed from past loads; the present tokens are dealt out evenly to them. */
  final class Replicated implements Competitor {
    private final PlanShape shape;
    private final long cloneBytes;
    private final long moveBytes;
    private final int[] replicas;
    private final int[] firstPlace;
    private final int[] nextPlace;

    /**
     * @param cloneBytes what a replica costs in every step: new weights in, gradients back
     * @param moveBytes what a replica costs when it moves to another rank
     */
    Replicated(PlanShape shape, long cloneBytes, long moveBytes) {
      this.shape = shape;
      this.cloneBytes = cloneBytes;
      this.moveBytes = moveBytes;
      this.replicas = new int[shape.experts()];
      this.firstPlace = new int[shape.experts()];
      this.nextPlace = new int[shape.physicalExperts()];
    }

    @Override
    public Effort place(int[] counts, Eplb.Placement placement, RankFlow flow) {
      int[] expertOf = placement.expertOf();
      link(expertOf);
      int places = shape.localPhysicalExperts();
      for (int source = 0; source < shape.ranks(); source++) {
        for (int expert = 0; expert < shape.experts(); expert++) {
          int count = counts[source * shape.experts() + expert];
          int turn = source; // ranks start to deal at different replicas
          for (int place = firstPlace[expert]; place != Eplb.EMPTY; place = nextPlace[place]) {
            int rows = (count + turn % replicas[expert]) / replicas[expert];
            turn++;
            if (rows > 0) {
              flow.rows(source, place / places, place, rows);
            }
          }
        }
      }
      int extra = sendWeights(flow);
      if (placement.fresh()) {
        moveWeights(placement, flow);
      }
      return new Effort(extra, 0);
    }

    private void link(int[] expertOf) {
      Arrays.fill(firstPlace, Eplb.EMPTY);
      Arrays.fill(replicas, 0);
      for (int place = expertOf.length - 1; place >= 0; place--) {
        int expert = expertOf[place];
        if (expert != Eplb.EMPTY) {
          nextPlace[place] = firstPlace[expert];
          firstPlace[expert] = place;
          replicas[expert]++;
        }
      }
    }

    private int sendWeights(RankFlow flow) {
      int extra = 0;
      int places = shape.localPhysicalExperts();
      for (int expert = 0; expert < shape.experts(); expert++) {
        int home = firstPlace[expert] / places;
        int rank = home;
        for (int place = nextPlace[firstPlace[expert]];
            place != Eplb.EMPTY;
            place = nextPlace[place]) {
          extra++;
          if (place / places != rank) { // replicas on one rank share its weights
            rank = place / places;
            flow.weights(expert, home, rank, cloneBytes);
          }
        }
      }
      return extra;
    }

    /** A rank that did not hold an expert before gets it from the lowest rank that did. */
    private void moveWeights(Eplb.Placement placement, RankFlow flow) {
      int places = shape.localPhysicalExperts();
      int[] owner = new int[shape.experts()];
      boolean[] held = new boolean[shape.ranks() * shape.experts()];
      for (int place = placement.before().length - 1; place >= 0; place--) {
        int expert = placement.before()[place];
        if (expert != Eplb.EMPTY) {
          owner[expert] = place / places;
          held[place / places * shape.experts() + expert] = true;
        }
      }
      for (int expert = 0; expert < shape.experts(); expert++) {
        for (int place = firstPlace[expert]; place != Eplb.EMPTY; place = nextPlace[place]) {
          int index = place / places * shape.experts() + expert;
          if (!held[index]) {
            held[index] = true;
            flow.weights(expert, owner[expert], place / places, moveBytes);
          }
        }
      }
    }
  }

  /** Forced balance, what no planner can beat: every rank and expert gets the same, no clones. */
  final class Perfect implements Competitor {
    private final PlanShape shape;

    Perfect(PlanShape shape) {
      this.shape = shape;
    }

    @Override
    public Effort place(int[] counts, Eplb.Placement placement, RankFlow flow) {
      // The assignments of all sources in one line are dealt out to ranks, then to their experts.
      long begin = 0;
      for (int source = 0; source < shape.ranks(); source++) {
        long end = begin;
        for (int expert = 0; expert < shape.experts(); expert++) {
          end += counts[source * shape.experts() + expert];
        }
        for (int turn = 0; turn < shape.experts(); turn++) {
          int rows = (int) (dealt(end, turn) - dealt(begin, turn));
          int rank = turn % shape.ranks();
          if (rows > 0) {
            flow.rows(
                source, rank, rank * shape.localPhysicalExperts() + turn / shape.ranks(), rows);
          }
        }
        begin = end;
      }
      return new Effort(0, 0);
    }

    /** How many of the first {@code dealt} assignments fall to a turn. */
    private long dealt(long dealt, int turn) {
      return (dealt + shape.experts() - 1 - turn) / shape.experts();
    }
  }
}
