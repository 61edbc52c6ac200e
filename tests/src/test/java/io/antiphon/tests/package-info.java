/** Tests across modules: layering, end to end, command line. */
@NullMarked
package io.antiphon.tests;

import org.jspecify.annotations.NullMarked;
