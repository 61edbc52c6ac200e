/** The antiphon command line. */
@NullMarked
package io.antiphon.submit;

import org.jspecify.annotations.NullMarked;
