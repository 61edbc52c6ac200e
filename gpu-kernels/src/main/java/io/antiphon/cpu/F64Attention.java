package io.antiphon.cpu;

import io.antiphon.tensor.AttentionGradients;
import io.antiphon.tensor.AttentionShape;
import io.antiphon.tensor.AttentionTensors;
import io.antiphon.tensor.OpParts;
import io.antiphon.tensor.Tensor;
import java.util.Arrays;

/** Rotary positions and causal attention in double precision, one query at a time. */
final class F64Attention implements OpParts.Attention {
  private final Recorder recorder;

  F64Attention(Recorder recorder) {
    this.recorder = recorder;
  }

  @Override
  public void rope(
      Tensor x, Tensor documentStarts, int sequenceLength, double theta, boolean inverse) {
    recorder.submit(
        () -> {
          int heads = x.extent(1);
          int dim = x.extent(2);
          int half = dim / 2;
          double[] values = CpuMemory.doubles(x);
          for (int token = 0; token < x.extent(0); token++) {
            int position = token % sequenceLength - documentStart(documentStarts, token);
            for (int i = 0; i < half; i++) {
              double angle = position * Math.pow(theta, -2.0 * i / dim);
              double cos = Math.cos(angle);
              double sin = inverse ? -Math.sin(angle) : Math.sin(angle);
              for (int head = 0; head < heads; head++) {
                int at = CpuMemory.offset(x) + (token * heads + head) * dim + i;
                double a = values[at];
                double b = values[at + half];
                values[at] = a * cos - b * sin;
                values[at + half] = a * sin + b * cos;
              }
            }
          }
        });
  }

  private static int documentStart(Tensor documentStarts, int token) {
    return CpuMemory.ints(documentStarts)[CpuMemory.offset(documentStarts) + token];
  }

  @Override
  public void attention(AttentionTensors tensors) {
    recorder.submit(() -> new Heads(tensors).forward());
  }

  @Override
  public void attentionBackward(AttentionTensors tensors, AttentionGradients gradients) {
    recorder.submit(() -> new Heads(tensors).backward(gradients));
  }

  /** One attention. */
  private static final class Heads {
    private final Tensor q;
    private final Tensor k;
    private final Tensor v;
    private final Tensor out;
    private final Tensor logSumExp;
    private final Tensor documentStarts;
    private final int sequenceLength;
    private final int tokens;
    private final int heads;
    private final int keyHeads;
    private final int dim;
    private final double scale;

    Heads(AttentionTensors tensors) {
      AttentionShape shape = tensors.shape();
      q = tensors.q();
      k = tensors.k();
      v = tensors.v();
      out = tensors.out();
      logSumExp = tensors.logSumExp();
      documentStarts = tensors.documentStarts();
      sequenceLength = shape.sequenceLength();
      tokens = q.extent(0);
      heads = shape.heads();
      keyHeads = shape.keyValueHeads();
      dim = shape.headDim();
      scale = shape.scale();
    }

    void forward() {
      double[] result = CpuMemory.doubles(out);
      for (int token = 0; token < tokens; token++) {
        for (int head = 0; head < heads; head++) {
          int first = firstVisible(token);
          double[] scores = scores(token, head, first);
          double largest = Arrays.stream(scores).max().orElse(Double.NaN);
          double sum = 0;
          for (double score : scores) {
            sum += Math.exp(score - largest);
          }
          double total = largest + Math.log(sum);
          CpuMemory.doubles(logSumExp)[CpuMemory.offset(logSumExp) + token * heads + head] = total;
          int to = at(out, token, head, heads);
          Arrays.fill(result, to, to + dim, 0);
          for (int seen = first; seen <= token; seen++) {
            addScaled(Math.exp(scores[seen - first] - total), v, seen, keyHead(head), result, to);
          }
        }
      }
    }

    void backward(AttentionGradients gradients) {
      Tensor dOut = gradients.dOut();
      Tensor dQ = gradients.dQ();
      Tensor dK = gradients.dK();
      Tensor dV = gradients.dV();
      MemoryOps.zero(dQ);
      MemoryOps.zero(dK);
      MemoryOps.zero(dV);
      double[] o = CpuMemory.doubles(out);
      double[] g = CpuMemory.doubles(dOut);
      for (int token = 0; token < tokens; token++) {
        for (int head = 0; head < heads; head++) {
          int first = firstVisible(token);
          double[] scores = scores(token, head, first);
          double total =
              CpuMemory.doubles(logSumExp)[CpuMemory.offset(logSumExp) + token * heads + head];
          int outAt = at(out, token, head, heads);
          int gAt = at(dOut, token, head, heads);
          double delta = dot(o, outAt, g, gAt);
          int key = keyHead(head);
          for (int seen = first; seen <= token; seen++) {
            double p = Math.exp(scores[seen - first] - total);
            addScaled(p, dOut, token, head, CpuMemory.doubles(dV), at(dV, seen, key, keyHeads));
            double dP = dot(g, gAt, CpuMemory.doubles(v), at(v, seen, key, keyHeads));
            double dS = p * (dP - delta) * scale;
            addScaled(dS, k, seen, key, CpuMemory.doubles(dQ), at(dQ, token, head, heads));
            addScaled(dS, q, token, head, CpuMemory.doubles(dK), at(dK, seen, key, keyHeads));
          }
        }
      }
    }

    private int firstVisible(int token) {
      return token - token % sequenceLength + documentStart(documentStarts, token);
    }

    private int keyHead(int head) {
      return head / (heads / keyHeads);
    }

    private double[] scores(int token, int head, int first) {
      double[] scores = new double[token - first + 1];
      for (int seen = first; seen <= token; seen++) {
        scores[seen - first] =
            scale
                * dot(
                    CpuMemory.doubles(q),
                    at(q, token, head, heads),
                    CpuMemory.doubles(k),
                    at(k, seen, keyHead(head), keyHeads));
      }
      return scores;
    }

    private int at(Tensor tensor, int token, int head, int headsOf) {
      return CpuMemory.offset(tensor) + (token * headsOf + head) * dim;
    }

    private double dot(double[] a, int aAt, double[] b, int bAt) {
      double sum = 0;
      for (int i = 0; i < dim; i++) {
        sum += a[aAt + i] * b[bAt + i];
      }
      return sum;
    }

    private void addScaled(double factor, Tensor x, int token, int head, double[] into, int to) {
      double[] from = CpuMemory.doubles(x);
      int at = at(x, token, head, x.extent(1));
      for (int i = 0; i < dim; i++) {
        into[to + i] += factor * from[at + i];
      }
    }
  }
}
