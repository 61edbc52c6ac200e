package io.antiphon.model;

/**
 * How a model's weights begin.
 *
 * @param std standard deviation of matrices
 * @param seed of all random numbers
 */
public record InitialWeights(double std, long seed) {}
