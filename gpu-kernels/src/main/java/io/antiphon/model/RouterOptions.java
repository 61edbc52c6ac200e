package io.antiphon.model;

import io.antiphon.tensor.Routing;

/**
 * Routers of the expert layers.
 *
 * @param routing how experts are chosen and weighed
 * @param auxLoss coefficient of the load-balancing loss
 * @param zLoss coefficient of the z-loss
 * @param expertBiasRate step of the auxiliary-loss-free expert bias; 0 switches it off
 * @param skew standard deviation of a fixed offset added to the logits, for demonstrations of
 *     imbalance
 */
public record RouterOptions(
    Routing routing, double auxLoss, double zLoss, double expertBiasRate, double skew) {}
