/** Feeds the readers of this project with damaged input, for the tests of all modules. */
@NullMarked
package io.antiphon.fuzz;

import org.jspecify.annotations.NullMarked;
