/**
 * Ranks as the tasks of a barrier stage: how they start, what they tell the driver, how they fail.
 */
@NullMarked
package io.antiphon.job.barrier;

import org.jspecify.annotations.NullMarked;
