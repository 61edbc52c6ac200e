/** Recorded routing: assignment counts per step and layer, checked while they are read. */
@NullMarked
package io.antiphon.trace;

import org.jspecify.annotations.NullMarked;
