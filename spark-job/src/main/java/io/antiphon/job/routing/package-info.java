/** Routing counts of a run, recorded as a table. */
@NullMarked
package io.antiphon.job.routing;

import org.jspecify.annotations.NullMarked;
