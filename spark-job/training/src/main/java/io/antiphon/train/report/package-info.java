/** What a run tells its watchers: steps, evaluations, events, the outcome. */
@NullMarked
package io.antiphon.train.report;

import org.jspecify.annotations.NullMarked;
