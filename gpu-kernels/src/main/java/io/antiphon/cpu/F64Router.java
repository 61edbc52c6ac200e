package io.antiphon.cpu;

import io.antiphon.tensor.OpParts;
import io.antiphon.tensor.Routing;
import io.antiphon.tensor.Tensor;
import java.util.Arrays;

/** The router and its losses in double precision. */
final class F64Router implements OpParts.Router {
  private final Recorder recorder;

  F64Router(Recorder recorder) {
    this.recorder = recorder;
  }

  @Override
  public void route(
      Tensor logits, Tensor bias, Routing routing, Tensor scores, Tensor topExperts, Tensor probs) {
    recorder.submit(
        () -> {
          int experts = logits.extent(1);
          int topK = routing.topK();
          double[] logit = CpuMemory.doubles(logits);
          double[] score = CpuMemory.doubles(scores);
          double[] prob = CpuMemory.doubles(probs);
          int[] chosen = CpuMemory.ints(topExperts);
          for (int token = 0; token < logits.extent(0); token++) {
            int l = F64Dense.row(logits, token, experts);
            int s = F64Dense.row(scores, token, experts);
            switch (routing.scoreFunction()) {
              case SOFTMAX, SOFTMAX_OF_CHOSEN -> softmax(logit, l, score, s, experts);
            }
            int c = F64Dense.row(topExperts, token, topK);
            choose(score, s, bias, chosen, c, topK, experts);
            for (int i = 0; i < topK; i++) {
              double own = score[s + chosen[c + i]];
              prob[F64Dense.row(probs, token, topK) + i] =
                  switch (routing.scoreFunction()) {
                    case SOFTMAX -> own;
                    case SOFTMAX_OF_CHOSEN -> chosenProbability(logit, l, chosen, c, topK, i);
                  };
            }
          }
        });
  }

  private static void softmax(double[] logit, int l, double[] score, int s, int experts) {
    double total = logSumExp(logit, l, experts);
    for (int expert = 0; expert < experts; expert++) {
      score[s + expert] = Math.exp(logit[l + expert] - total);
    }
  }

  /** Softmax over the logits of the chosen experts, for choice {@code i}. */
  private static double chosenProbability(
      double[] logit, int l, int[] chosen, int c, int topK, int i) {
    double sum = 0;
    for (int j = 0; j < topK; j++) {
      sum += Math.exp(logit[l + chosen[c + j]] - logit[l + chosen[c + i]]);
    }
    return 1 / sum;
  }

  /** The largest of score + bias, best first, ties to the lowest expert; NaN comes last. */
  private static void choose(
      double[] score, int s, Tensor bias, int[] chosen, int c, int topK, int experts) {
    double[] shift = CpuMemory.doubles(bias);
    boolean[] taken = new boolean[experts];
    for (int i = 0; i < topK; i++) {
      int best = -1;
      double bestValue = 0;
      for (int expert = 0; expert < experts; expert++) {
        double value = score[s + expert] + shift[CpuMemory.offset(bias) + expert];
        if (Double.isNaN(value)) {
          value = Double.NEGATIVE_INFINITY;
        }
        if (!taken[expert] && (best < 0 || value > bestValue)) {
          best = expert;
          bestValue = value;
        }
      }
      taken[best] = true;
      chosen[c + i] = best;
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
    recorder.submit(
        () -> {
          int experts = scores.extent(1);
          int topK = routing.topK();
          double[] score = CpuMemory.doubles(scores);
          double[] prob = CpuMemory.doubles(probs);
          double[] gradient = CpuMemory.doubles(dProbs);
          double[] into = CpuMemory.doubles(dLogits);
          int[] chosen = CpuMemory.ints(topExperts);
          for (int token = 0; token < scores.extent(0); token++) {
            int s = F64Dense.row(scores, token, experts);
            int c = F64Dense.row(topExperts, token, topK);
            int p = F64Dense.row(probs, token, topK);
            int g = F64Dense.row(dProbs, token, topK);
            int d = F64Dense.row(dLogits, token, experts);
            double mean = 0;
            for (int i = 0; i < topK; i++) {
              mean += prob[p + i] * gradient[g + i];
            }
            for (int i = 0; i < topK; i++) {
              into[d + chosen[c + i]] += prob[p + i] * gradient[g + i];
            }
            switch (routing.scoreFunction()) {
              case SOFTMAX -> {
                for (int expert = 0; expert < experts; expert++) {
                  into[d + expert] -= score[s + expert] * mean;
                }
              }
              case SOFTMAX_OF_CHOSEN -> {
                for (int i = 0; i < topK; i++) {
                  into[d + chosen[c + i]] -= prob[p + i] * mean;
                }
              }
            }
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
    recorder.submit(
        () -> {
          int experts = logits.extent(1);
          int topK = routing.topK();
          double[] logit = CpuMemory.doubles(logits);
          double[] score = CpuMemory.doubles(scores);
          double[] gradient = CpuMemory.doubles(dLogits);
          double[] sum = CpuMemory.doubles(losses);
          int[] chosen = CpuMemory.ints(topExperts);
          for (int first = 0; first < logits.extent(0); first += sequenceLength) {
            double[] share = new double[experts];
            double[] meanScore = new double[experts];
            for (int token = first; token < first + sequenceLength; token++) {
              for (int i = 0; i < topK; i++) {
                int expert = chosen[F64Dense.row(topExperts, token, topK) + i];
                share[expert] += 1.0 / ((double) sequenceLength * topK);
              }
              for (int expert = 0; expert < experts; expert++) {
                meanScore[expert] +=
                    score[F64Dense.row(scores, token, experts) + expert] / sequenceLength;
              }
            }
            double aux = 0;
            for (int expert = 0; expert < experts; expert++) {
              aux += share[expert] * meanScore[expert];
            }
            sum[CpuMemory.offset(losses)] += auxScale * experts * aux;
            for (int token = first; token < first + sequenceLength; token++) {
              int s = F64Dense.row(scores, token, experts);
              int d = F64Dense.row(dLogits, token, experts);
              double total = logSumExp(logit, F64Dense.row(logits, token, experts), experts);
              sum[CpuMemory.offset(losses) + 1] += zScale * total * total;
              double mean = 0;
              for (int expert = 0; expert < experts; expert++) {
                mean += score[s + expert] * share[expert];
              }
              double slope = auxScale * experts / sequenceLength;
              for (int expert = 0; expert < experts; expert++) {
                gradient[d + expert] =
                    switch (routing.scoreFunction()) {
                      case SOFTMAX, SOFTMAX_OF_CHOSEN ->
                          score[s + expert] * (slope * (share[expert] - mean) + 2 * zScale * total);
                    };
              }
            }
          }
        });
  }

  static double logSumExp(double[] values, int first, int length) {
    double largest = Arrays.stream(values, first, first + length).max().orElse(Double.NaN);
    double sum = 0;
    for (int i = first; i < first + length; i++) {
      sum += Math.exp(values[i] - largest);
    }
    return largest + Math.log(sum);
  }
}
