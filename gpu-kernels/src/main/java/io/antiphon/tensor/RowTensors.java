package io.antiphon.tensor;

/**
 * Where every assignment of this rank goes, and what arrives here. Rows of a rank are ordered by
 * physical expert, then source rank, then token.
 *
 * @param destinationRank I32 {@code [tokens, topK]}: rank of the expert-parallel group, or -1 if
 *     the row does not fit that rank's capacity (the step is then rerun)
 * @param destinationRow I32 {@code [tokens, topK]}: row on that rank
 * @param rowCounts I32 {@code [physicalExperts]} of this rank: rows per physical expert, clipped so
 *     that their sum is at most the capacity
 */
public record RowTensors(Tensor destinationRank, Tensor destinationRow, Tensor rowCounts) {}
