package io.antiphon.tensor;

/**
 * One projection of a rank's physical experts: home experts first, then slots.
 *
 * @param home {@code [localExperts, out, in]}
 * @param slots {@code [slotsPerRank, out, in]}; the first extent may be zero
 */
public record ExpertWeights(Tensor home, Tensor slots) {}
