/** Messages between the ranks of a run, and small agreements among them. */
@NullMarked
package io.antiphon.transport;

import org.jspecify.annotations.NullMarked;
