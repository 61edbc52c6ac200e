package io.antiphon.tensor;

/**
 * Device-side state that decides whether a step is committed.
 *
 * @param counters I64 {@code [4]}: committed steps; applied updates (AdamW's t); updates skipped
 *     for a non-finite gradient; replays of the step, committed or not
 * @param overflow I32 {@code [1]}: non-zero once some rank had more rows than its capacity; sticky
 * @param requiredRows I64 {@code [1]}: most rows any rank needed in any layer since it was cleared
 * @param apply I32 {@code [1]}: 1 if this step's update is applied
 * @param learningRate F64 {@code [1]}
 * @param clipFactor F64 {@code [1]}: what gradients are multiplied with
 */
public record StepState(
    Tensor counters,
    Tensor overflow,
    Tensor requiredRows,
    Tensor apply,
    Tensor learningRate,
    Tensor clipFactor) {}
