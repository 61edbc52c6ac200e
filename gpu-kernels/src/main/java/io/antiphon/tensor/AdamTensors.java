package io.antiphon.tensor;

/**
 * What AdamW reads and writes for one flat group of parameters; all of one length.
 *
 * @param master master weights in the backend's master type, updated
 * @param gradient master type, read
 * @param firstMoment master type, updated
 * @param secondMoment master type, updated
 * @param weight weights in compute type, overwritten with the new master; may be the same tensor as
 *     master
 */
public record AdamTensors(
    Tensor master, Tensor gradient, Tensor firstMoment, Tensor secondMoment, Tensor weight) {}
