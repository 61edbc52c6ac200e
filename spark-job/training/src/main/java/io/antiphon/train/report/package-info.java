/** What a run tells whoever watches it: steps, evaluations, events, the outcome. */
@NullMarked
package io.antiphon.train.report;

import org.jspecify.annotations.NullMarked;
