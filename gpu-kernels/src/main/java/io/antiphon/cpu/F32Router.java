package io.antiphon.cpu;

import io.antiphon.tensor.OpParts;
import io.antiphon.tensor.Routing;
import io.antiphon.tensor.ScoreFunction;
import io.antiphon.tensor.Tensor;
import java.util.Arrays;

/** The router in fp32, row by row; sums and exponentials are taken in double precision. */
final class F32Router implements OpParts.Router {
  private final Recorder recorder;
  private final F32Scratch scratch;

  F32Router(Recorder recorder, F32Scratch scratch) {
    this.recorder = recorder;
    this.scratch = scratch;
  }

  @Override
  public void route(
      Tensor logits, Tensor bias, Routing routing, Tensor scores, Tensor topExperts, Tensor probs) {
    int tokens = logits.extent(0);
    int experts = logits.extent(1);
    int topK = routing.topK();
    ScoreFunction function = routing.scoreFunction();
    F32View logitsView = F32View.of(logits);
    F32View biasView = F32View.of(bias);
    F32View scoresView = F32View.of(scores);
    F32View probsView = F32View.of(probs);
    int[] chosen = CpuMemory.ints(topExperts);
    int firstChosen = CpuMemory.offset(topExperts);
    float[] row = scratch.array(0, experts);
    float[] score = scratch.array(1, experts);
    float[] shift = scratch.array(2, experts);
    float[] prob = scratch.array(3, topK);
    boolean[] taken = new boolean[experts];
    recorder.submit(
        () -> {
          biasView.read(0, shift, experts);
          for (int token = 0; token < tokens; token++) {
            logitsView.read(token * experts, row, experts);
            switch (function) {
              case SOFTMAX, SOFTMAX_OF_CHOSEN -> softmax(row, score, experts);
            }
            int at = firstChosen + token * topK;
            choose(score, shift, taken, chosen, at, topK);
            for (int i = 0; i < topK; i++) {
              prob[i] =
                  switch (function) {
                    case SOFTMAX -> score[chosen[at + i]];
                    case SOFTMAX_OF_CHOSEN -> chosenProbability(row, chosen, at, topK, i);
                  };
            }
            scoresView.write(token * experts, score, experts);
            probsView.write(token * topK, prob, topK);
          }
        });
  }

  private static void softmax(float[] row, float[] score, int experts) {
    double total = logSumExp(row, experts);
    for (int expert = 0; expert < experts; expert++) {
      score[expert] = (float) Math.exp(row[expert] - total);
    }
  }

  /** Softmax over the logits of the chosen experts, for choice {@code i}. */
  private static float chosenProbability(float[] row, int[] chosen, int at, int topK, int i) {
    double sum = 0;
    for (int j = 0; j < topK; j++) {
      sum += Math.exp((double) row[chosen[at + j]] - row[chosen[at + i]]);
    }
    return (float) (1 / sum);
  }

  /** The largest of score + bias, best first, ties to the lowest expert; NaN comes last. */
  private static void choose(
      float[] score, float[] shift, boolean[] taken, int[] chosen, int at, int topK) {
    Arrays.fill(taken, false);
    for (int i = 0; i < topK; i++) {
      int best = -1;
      float bestValue = 0;
      for (int expert = 0; expert < taken.length; expert++) {
        float value = score[expert] + shift[expert];
        value = Float.isNaN(value) ? Float.NEGATIVE_INFINITY : value;
        if (!taken[expert] && (best < 0 || value > bestValue)) {
          best = expert;
          bestValue = value;
        }
      }
      taken[best] = true;
      chosen[at + i] = best;
    }
  }

  @Override
  public void routeBackward(
      Tensor scores,
      Tensor topExperts,
      Tensor probs,
      Routing routing,
      Tensor dProbs,
      Tensor dLogits) {
    int tokens = scores.extent(0);
    int experts = scores.extent(1);
    int topK = routing.topK();
    F32View scoresView = F32View.of(scores);
    F32View probsView = F32View.of(probs);
    F32View dProbsView = F32View.of(dProbs);
    F32View dLogitsView = F32View.of(dLogits);
    int[] chosen = CpuMemory.ints(topExperts);
    int firstChosen = CpuMemory.offset(topExperts);
    float[] score = scratch.array(0, experts);
    float[] prob = scratch.array(1, topK);
    float[] gradient = scratch.array(2, topK);
    float[] into = scratch.array(3, experts);
    boolean within =
        switch (routing.scoreFunction()) {
          case SOFTMAX -> false;
          case SOFTMAX_OF_CHOSEN -> true;
        };
    recorder.submit(
        () -> {
          for (int token = 0; token < tokens; token++) {
            scoresView.read(token * experts, score, experts);
            probsView.read(token * topK, prob, topK);
            dProbsView.read(token * topK, gradient, topK);
            dLogitsView.read(token * experts, into, experts);
            float mean = (float) F32Vectors.dot(prob, 0, gradient, 0, topK);
            for (int i = 0; i < topK; i++) {
              float slope = within ? gradient[i] - mean : gradient[i];
              into[chosen[firstChosen + token * topK + i]] += prob[i] * slope;
            }
            if (!within) {
              for (int expert = 0; expert < experts; expert++) {
                into[expert] -= score[expert] * mean;
              }
            }
            dLogitsView.write(token * experts, into, experts);
          }
        });
  }

  @Override
  public void routerLosses(
      Tensor logits,
      Tensor scores,
      Tensor topExperts,
      Routing routing,
      int sequenceLength,
      double auxScale,
      double zScale,
      Tensor dLogits,
      Tensor losses) {
    int tokens = logits.extent(0);
    SequenceLosses sequence =
        switch (routing.scoreFunction()) {
          case SOFTMAX, SOFTMAX_OF_CHOSEN ->
              new SequenceLosses(
                  logits, scores, topExperts, sequenceLength, auxScale, zScale, dLogits);
        };
    double[] sum = CpuMemory.doubles(losses);
    int at = CpuMemory.offset(losses);
    recorder.submit(
        () -> {
          for (int first = 0; first < tokens; first += sequenceLength) {
            sum[at] += sequence.auxiliaryLoss(first);
            sum[at + 1] += sequence.differentiate(first);
          }
        });
  }

  /** Losses and gradients of one sequence after the other; scores are a softmax. */
  private final class SequenceLosses {
    private final int experts;
    private final int topK;
    private final int length;
    private final double auxScale;
    private final double zScale;
    private final F32View logitsView;
    private final F32View scoresView;
    private final F32View dLogitsView;
    private final int[] chosen;
    private final int firstChosen;
    private final float[] row;
    private final float[] score;
    private final float[] gradient;
    private final double[] share;
    private final double[] meanScore;

    SequenceLosses(
        Tensor logits,
        Tensor scores,
        Tensor topExperts,
        int length,
        double auxScale,
        double zScale,
        Tensor dLogits) {
      experts = logits.extent(1);
      topK = topExperts.extent(1);
      this.length = length;
      this.auxScale = auxScale;
      this.zScale = zScale;
      logitsView = F32View.of(logits);
      scoresView = F32View.of(scores);
      dLogitsView = F32View.of(dLogits);
      chosen = CpuMemory.ints(topExperts);
      firstChosen = CpuMemory.offset(topExperts);
      row = scratch.array(0, experts);
      score = scratch.array(1, experts);
      gradient = scratch.array(2, experts);
      share = new double[experts];
      meanScore = new double[experts];
    }

    /** The load-balancing loss of the sequence at {@code first}; leaves the experts' shares. */
    double auxiliaryLoss(int first) {
      Arrays.fill(share, 0);
      Arrays.fill(meanScore, 0);
      for (int i = first * topK; i < (first + length) * topK; i++) {
        share[chosen[firstChosen + i]] += 1.0 / ((double) length * topK);
      }
      for (int token = first; token < first + length; token++) {
        scoresView.read(token * experts, score, experts);
        for (int expert = 0; expert < experts; expert++) {
          meanScore[expert] += score[expert] / (double) length;
        }
      }
      double sum = 0;
      for (int expert = 0; expert < experts; expert++) {
        sum += share[expert] * meanScore[expert];
      }
      return auxScale * experts * sum;
    }

    /** The z-loss of the sequence; writes the gradients of both losses. */
    double differentiate(int first) {
      double slope = auxScale * experts / length;
      double zLoss = 0;
      for (int token = first; token < first + length; token++) {
        logitsView.read(token * experts, row, experts);
        scoresView.read(token * experts, score, experts);
        double total = logSumExp(row, experts);
        zLoss += zScale * total * total;
        double mean = 0;
        for (int expert = 0; expert < experts; expert++) {
          mean += score[expert] * share[expert];
        }
        for (int expert = 0; expert < experts; expert++) {
          gradient[expert] =
              (float) (score[expert] * (slope * (share[expert] - mean) + 2 * zScale * total));
        }
        dLogitsView.write(token * experts, gradient, experts);
      }
      return zLoss;
    }
  }

  private static double logSumExp(float[] values, int count) {
    float largest = F32Vectors.max(values, 0, count);
    double sum = 0;
    for (int i = 0; i < count; i++) {
      sum += Math.exp((double) values[i] - largest);
    }
    return largest + Math.log(sum);
  }
}
