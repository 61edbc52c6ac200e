/** The command line as a user starts it: the real launcher, real processes, real signals. */
@NullMarked
package io.antiphon.tests.cli;

import org.jspecify.annotations.NullMarked;
