package io.antiphon.trace;

/**
 * The counts of one layer and micro-batch, and where they stood.
 *
 * @param source place in the input, for messages
 * @param step training step; at least 0
 * @param layer layer of the model; at least 0
 * @param counts checked, one row per source rank
 */
public record RoutingRecord(String source, long step, int layer, CountMatrix counts) {}
