/**
 * What a run is wherever it is hosted: its directory, its failures, what each of its ranks does.
 */
@NullMarked
package io.antiphon.run;

import org.jspecify.annotations.NullMarked;
