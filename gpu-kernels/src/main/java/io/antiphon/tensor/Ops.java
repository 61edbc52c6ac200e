package io.antiphon.tensor;

/**
 * Every computation the model needs, enqueued on the compute lane of one rank. The methods stand in
 * {@link OpParts}, by the part that one class of a backend implements.
 *
 * <p>No method returns a value or takes a count that only the device knows; whatever depends on
 * data is in tensors. Results are <em>written</em> (whatever the tensor held before) or
 * <em>added</em> to what it holds, as each method says.
 *
 * <p>Shapes use: tokens (of one micro-batch, {@code sequences * sequenceLength}), hidden, heads,
 * keyValueHeads, headDim, ffn, experts, topK, ranks (of the expert-parallel group), slots (of that
 * group), localExperts, slotsPerRank, physicalExperts ({@code localExperts + slotsPerRank}), rows
 * (the capacity of a rank's permuted rows). "Real" is the backend's compute type. Rows at or beyond
 * the sum of {@code rowCounts} are neither read nor written.
 *
 * <p>Every method throws {@link IllegalArgumentException}, with nothing enqueued, if a tensor has
 * the wrong type or shape.
 */
public interface Ops
    extends OpParts.Memory,
        OpParts.Batch,
        OpParts.Embedding,
        OpParts.Norm,
        OpParts.Gemm,
        OpParts.Activation,
        OpParts.Attention,
        OpParts.Router,
        OpParts.Plan,
        OpParts.GroupedGemm,
        OpParts.Loss,
        OpParts.Update {}
