/** What balancing would buy: planners and their competitors on recorded or synthetic routing. */
@NullMarked
package io.antiphon.simulate;

import org.jspecify.annotations.NullMarked;
