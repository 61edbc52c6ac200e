/** One rank's training loop: batches, schedule, checkpoints, reruns and step records. */
@NullMarked
package io.antiphon.train;

import org.jspecify.annotations.NullMarked;
