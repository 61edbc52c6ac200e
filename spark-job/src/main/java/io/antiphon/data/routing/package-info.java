/** Recorded routing counts as a table on Spark. */
@NullMarked
package io.antiphon.data.routing;

import org.jspecify.annotations.NullMarked;
