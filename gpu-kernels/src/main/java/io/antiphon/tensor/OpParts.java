package io.antiphon.tensor;

import io.antiphon.plan.BalanceOptions;
import io.antiphon.plan.PlannerKind;

/**
 * The operations of a backend by part. What all of them promise, and the words of their shapes, are
 * told at {@link Ops}.
 */
public record OpParts(
    Memory memory,
    Batch batch,
    Embedding embedding,
    Norm norm,
    Gemm gemm,
    Activation activation,
    Attention attention,
    Router router,
    Plan plan,
    GroupedGemm groupedGemm,
    Loss loss,
    Update update) {

  /** Moves, clears and adds elements. */
  public interface Memory {
    /** Writes zeros. */
    void zero(Tensor tensor);

    /**
     * Writes {@code to} with the elements of {@code from}, converted between any two types; same
     * length.
     */
    void copy(Tensor from, Tensor to);

    /**
     * Adds {@code x} to {@code into}, converted to its type; same length, both floating or both
     * integer.
     */
    void add(Tensor x, Tensor into);

    /**
     * Adds the vector {@code row [columns]} to every row of {@code x [n, columns]}; both floating.
     */
    void addRow(Tensor row, Tensor x);
  }

  /** Inputs and targets of packed sequences. */
  public interface Batch {
    /**
     * Splits packed sequences into inputs and targets and finds document boundaries.
     *
     * @param batch I32 {@code [sequences, sequenceLength + 1]}, read
     * @param endOfText token that ends a document
     * @param inputs I32 {@code [tokens]}, written: the first sequenceLength tokens of each sequence
     * @param targets I32 {@code [tokens]}, written: the next token, or -1 where the input is
     *     end-of-text (the next document cannot be foreseen)
     * @param documentStarts I32 {@code [tokens]}, written: index inside the sequence of the first
     *     token of the token's document; a document starts at 0 and after every end-of-text
     */
    void prepareBatch(
        Tensor batch, int endOfText, Tensor inputs, Tensor targets, Tensor documentStarts);

    /** Adds the number of targets that are not -1 to {@code count}, F64 {@code [1]}. */
    void countTargets(Tensor targets, Tensor count);
  }

  /** Rows of the embedding table, and their gradient. */
  public interface Embedding {
    /**
     * Writes {@code out [tokens, hidden]} with rows of {@code table [vocabulary, hidden]} at {@code
     * ids}.
     */
    void embed(Tensor ids, Tensor table, Tensor out);

    /**
     * Adds each row of {@code dOut} to row {@code ids} of {@code dTable} (master type), tokens
     * ascending.
     */
    void embedBackward(Tensor ids, Tensor dOut, Tensor dTable);
  }

  /** Root-mean-square norm. */
  public interface Norm {
    /**
     * Root-mean-square norm: {@code y = x / sqrt(mean(x^2) + epsilon) * weight}, row by row.
     *
     * @param x real {@code [tokens, hidden]}, read
     * @param weight real {@code [hidden]}, read
     * @param y real {@code [tokens, hidden]}, written
     * @param inverseRms master type {@code [tokens]}, written: for the backward
     */
    void rmsNorm(Tensor x, Tensor weight, double epsilon, Tensor y, Tensor inverseRms);

    /**
     * Backward of {@link #rmsNorm}: adds to {@code dX} (real) and to {@code dWeight} (master type).
     */
    void rmsNormBackward(
        Tensor x, Tensor weight, Tensor inverseRms, Tensor dY, Tensor dX, Tensor dWeight);
  }

  /** Dense matrix products. */
  public interface Gemm {
    /**
     * Matrix product {@code c = op(a) op(b)}, or {@code c += op(a) op(b)} if {@code accumulate}.
     *
     * @param a real, {@code [m, k]}, or {@code [k, m]} if {@code transposeA}
     * @param b real, {@code [k, n]}, or {@code [n, k]} if {@code transposeB}
     * @param c {@code [m, n]} in real or master type
     */
    void gemm(
        boolean transposeA, boolean transposeB, Tensor a, Tensor b, boolean accumulate, Tensor c);
  }

  /** SwiGLU of all rows, or of expert rows with their probabilities. */
  public interface Activation {
    /**
     * SwiGLU: {@code out = silu(gate) * up}.
     *
     * @param gateUp real {@code [n, 2 * ffn]}: gate in the first half of a row, up in the second
     * @param out real {@code [n, ffn]}, written
     */
    void swiglu(Tensor gateUp, Tensor out);

    /** Backward of {@link #swiglu}: writes {@code dGateUp}. */
    void swigluBackward(Tensor gateUp, Tensor dOut, Tensor dGateUp);

    /**
     * SwiGLU of expert rows, weighted: {@code out = silu(gate) * up * rowProbs}.
     *
     * @param gateUp real {@code [rows, 2 * ffn]}, read
     * @param rowProbs master type {@code [rows]}, read
     * @param out real {@code [rows, ffn]}, written
     */
    void expertSwiglu(Tensor gateUp, Tensor rowProbs, Tensor rowCounts, Tensor out);

    /** Backward of {@link #expertSwiglu}: writes {@code dGateUp} and {@code dRowProbs}. */
    void expertSwigluBackward(
        Tensor gateUp,
        Tensor rowProbs,
        Tensor rowCounts,
        Tensor dOut,
        Tensor dGateUp,
        Tensor dRowProbs);
  }

  /** Rotary positions and attention. */
  public interface Attention {
    /**
     * Rotary position embedding in place. Pair {@code (i, i + headDim/2)} of a head turns by {@code
     * position * theta^(-2 i / headDim)}; positions count from the token's document start.
     *
     * @param x real {@code [tokens, heads, headDim]}, read and written; headDim even
     * @param documentStarts as {@link Batch#prepareBatch} writes it
     * @param inverse turns back: the backward, since a rotation's transpose is its inverse
     */
    void rope(Tensor x, Tensor documentStarts, int sequenceLength, double theta, boolean inverse);

    /**
     * Causal grouped-query attention inside documents: a token sees the tokens of its own document
     * up to and including itself. Scores are scaled by {@code 1 / sqrt(headDim)}. Head {@code h}
     * reads key-value head {@code h / (heads / keyValueHeads)}. Score matrices are never kept.
     */
    void attention(AttentionTensors tensors);

    /**
     * Backward of {@link #attention}: writes dQ, dK, dV.
     *
     * @param tensors of the forward, all of them read
     */
    void attentionBackward(AttentionTensors tensors, AttentionGradients gradients);
  }

  /** Scores, choice of experts, and auxiliary losses. */
  public interface Router {
    /**
     * Chooses experts for every token, as {@code routing} says.
     *
     * @param logits master type {@code [tokens, experts]}, read
     * @param bias master type {@code [experts]}, read
     * @param scores master type {@code [tokens, experts]}, written: what the score function makes
     *     of the logits
     * @param topExperts I32 {@code [tokens, topK]}, written
     * @param probs master type {@code [tokens, topK]}, written
     */
    void route(
        Tensor logits,
        Tensor bias,
        Routing routing,
        Tensor scores,
        Tensor topExperts,
        Tensor probs);

    /** Backward of {@link #route}: adds the gradient through {@code probs} to {@code dLogits}. */
    void routeBackward(
        Tensor scores,
        Tensor topExperts,
        Tensor probs,
        Routing routing,
        Tensor dProbs,
        Tensor dLogits);

    /**
     * Auxiliary losses of the router and their gradients. Per sequence: {@code auxScale * experts *
     * sum_e f_e P_e} with {@code f_e} the share of the sequence's assignments that chose expert e
     * and {@code P_e} the mean score; only {@code P_e} has a gradient. Per token: {@code zScale *
     * logsumexp(logits)^2}.
     *
     * @param auxScale coefficient / sequences of the global batch
     * @param zScale coefficient / tokens of the global batch
     * @param dLogits master type {@code [tokens, experts]}, written
     * @param losses F64 {@code [2]}, added: auxiliary loss, z-loss
     */
    void routerLosses(
        Tensor logits,
        Tensor scores,
        Tensor topExperts,
        Routing routing,
        int sequenceLength,
        double auxScale,
        double zScale,
        Tensor dLogits,
        Tensor losses);
  }

  /** Counts of assignments, plans for them, and where rows go. */
  public interface Plan {
    /**
     * Writes {@code counts}, I32 {@code [experts]}, with the assignments per expert in {@code
     * topExperts}.
     */
    void countAssignments(Tensor topExperts, Tensor counts);

    /**
     * Writes the plan for {@code counts}, I32 {@code [ranks, experts]}; the same bits on every rank
     * and backend.
     *
     * @param options what the balanced planner aims at, without a pair capacity; others ignore them
     * @see io.antiphon.tensor.PlanTensors
     */
    void plan(PlannerKind planner, BalanceOptions options, Tensor counts, PlanTensors plan);

    /**
     * Plans like {@link #plan}, for slots that hold weights already, from an earlier micro-batch of
     * the same step: at equal balance, clones that need not be sent are preferred, and they stay in
     * their slots, so that the used slots of a rank need not be its first.
     *
     * @param options of the balanced planner, the only one that can prefer clones
     * @param held I32 {@code [slots]}: expert whose weights each slot holds, -1 for none; read,
     *     then written with what the slots hold once {@code toSend} has been sent. A slot that the
     *     plan does not use keeps its weights
     * @param toSend I32 {@code [slots]}, written: expert whose weights the slot needs and does not
     *     hold, -1 for none
     */
    void replan(
        BalanceOptions options, Tensor counts, Tensor held, Tensor toSend, PlanTensors plan);

    /**
     * Finds the destination of every assignment of {@code rank} and this rank's rows per physical
     * expert. For one home expert, its slots in ascending order take consecutive runs of ascending
     * tokens; the rest stays home.
     *
     * @param rowCapacity rows every rank of the group can hold
     * @param rows written
     * @param state overflow is set if any rank of the group needs more than {@code rowCapacity}
     *     rows; requiredRows is raised to the most rows a rank needs
     */
    void layoutRows(
        Tensor topExperts,
        Tensor counts,
        PlanTensors plan,
        int rank,
        long rowCapacity,
        RowTensors rows,
        StepState state);

    /**
     * Adds this micro-batch's loads to the statistics of one layer.
     *
     * @param toSend I32 {@code [slots]}, read: expert whose weights are sent to each slot, -1 for
     *     none; may be the plan's {@code slotHome}
     * @param statistics F64 {@code [experts + 2 * ranks + 4]}, added: assignments per home expert;
     *     rank loads before the plan; rank loads after it; max/mean before; max/mean after; clones;
     *     clones whose weights are sent. With no assignments max/mean counts as 1
     */
    void recordLoads(Tensor counts, PlanTensors plan, Tensor toSend, Tensor statistics);
  }

  /** Matrix products of expert rows. */
  public interface GroupedGemm {
    /**
     * Grouped GEMM, forward: rows of physical expert p become {@code y = x W_p^T}.
     *
     * @param x real {@code [rows, in]}, read
     * @param weights real {@code [.., out, in]}, read
     * @param range experts whose rows are computed; weights and rows of others are not touched
     * @param y real {@code [rows, out]}, written
     */
    void groupedGemm(
        Tensor x, ExpertWeights weights, Tensor rowCounts, ExpertRange range, Tensor y);

    /** Grouped GEMM, forward, of all physical experts. */
    default void groupedGemm(Tensor x, ExpertWeights weights, Tensor rowCounts, Tensor y) {
      groupedGemm(x, weights, rowCounts, ExpertRange.ALL, y);
    }

    /**
     * Grouped GEMM, gradient of the input: {@code dX = dY W_p}, written for the rows of {@code
     * range}.
     */
    void groupedGemmDgrad(
        Tensor dY, ExpertWeights weights, Tensor rowCounts, ExpertRange range, Tensor dX);

    /** Grouped GEMM, gradient of the input, of all physical experts. */
    default void groupedGemmDgrad(Tensor dY, ExpertWeights weights, Tensor rowCounts, Tensor dX) {
      groupedGemmDgrad(dY, weights, rowCounts, ExpertRange.ALL, dX);
    }

    /**
     * Grouped GEMM, gradient of the weights: {@code dW_p = dY^T x} over the rows of p.
     *
     * @param accumulate whether gradients of home experts are added to, or written like those of
     *     slots: zeros without rows
     * @param gradients master type
     */
    void groupedGemmWgrad(
        Tensor x, Tensor dY, Tensor rowCounts, boolean accumulate, ExpertWeights gradients);
  }

  /** Cross-entropy. */
  public interface Loss {
    /**
     * Cross-entropy and its gradient in place.
     *
     * @param logits real {@code [n, vocabulary]}: read, then written with the gradient {@code
     *     (softmax - onehot) / targetCount}, zeros where the target is -1 or targetCount is 0
     * @param targets I32 {@code [n]}, read
     * @param targetCount F64 {@code [1]}, read: targets of the global batch
     * @param lossSum F64 {@code [1]}, added: sum of the losses of the targets, in nats
     */
    void crossEntropy(Tensor logits, Tensor targets, Tensor targetCount, Tensor lossSum);

    /** The loss alone: adds to {@code lossSum} and leaves {@code logits} as they are. */
    void crossEntropyLoss(Tensor logits, Tensor targets, Tensor lossSum);
  }

  /** Optimizer, and the end of a step. */
  public interface Update {
    /**
     * Adds the sum of squares of {@code gradient} (master type) to {@code sum}, F64 {@code [1]}.
     */
    void squaredNorm(Tensor gradient, Tensor sum);

    /**
     * Decides on the update of this step: learning rate for the committed step count, clip factor
     * {@code min(1, maxNorm / norm)} (1 if maxNorm is 0), apply = 1 only if there is no overflow
     * and the norm is finite.
     *
     * @param squaredNorm F64 {@code [1]}, read: of the whole model
     */
    void decideUpdate(
        Tensor squaredNorm, double maxNorm, ScheduleOptions schedule, StepState state);

    /**
     * AdamW with bias correction for update {@code counters[1] + 1}; does nothing unless apply is
     * 1.
     */
    void adamW(AdamTensors tensors, AdamOptions options, StepState state);

    /**
     * Auxiliary-loss-free balancing: adds {@code rate * sign(mean - count)} to every expert's bias;
     * does nothing if there is an overflow.
     *
     * @param counts F64 {@code [experts]}, read: assignments over the whole global batch
     * @param bias master type {@code [experts]}, added
     */
    void updateExpertBias(Tensor counts, double rate, StepState state, Tensor bias);

    /**
     * Ends a step: without overflow, counts the step, and the update as applied or skipped. Always
     * counts the replay.
     */
    void commit(StepState state);

    /**
     * Writes {@code record [n]} to row {@code (counters[3] - 1) % slots} of {@code ring [slots,
     * n]}.
     */
    void push(Tensor record, StepState state, Tensor ring);
  }
}
