package io.antiphon.model;

import io.antiphon.tensor.PlanAlgorithm;
import io.antiphon.tensor.ScoreOrder;

/**
 * Mixture-of-experts layers.
 *
 * @param experts logical experts of a layer; 0 for a model without
 * @param topK experts per token
 * @param expertFfn width of one expert
 * @param sharedFfn width of the expert that sees every token; 0 for none
 * @param scoreOrder softmax before or after the choice
 * @param auxLoss coefficient of the load-balancing loss
 * @param zLoss coefficient of the router's z-loss
 * @param expertBiasRate step of the auxiliary-loss-free expert bias; 0 switches it off
 * @param routerSkew standard deviation of a fixed offset added to the logits, for demonstrations of
 *     imbalance
 * @param slotsPerRank echo slots on each rank; 0 without ECHO
 * @param planner decides what the slots hold
 * @param reuseClones prefers, from the second micro-batch of a step on, clones whose weights a slot
 *     holds already, and does not send these again; needs the balanced planner, and memory for the
 *     slots of every layer instead of two
 */
public record MoeOptions(
    int experts,
    int topK,
    int expertFfn,
    int sharedFfn,
    ScoreOrder scoreOrder,
    double auxLoss,
    double zLoss,
    double expertBiasRate,
    double routerSkew,
    int slotsPerRank,
    PlanAlgorithm planner,
    boolean reuseClones) {}
