/** The Spark job: its driver, and what each rank does in it. */
@NullMarked
package io.antiphon.job;

import org.jspecify.annotations.NullMarked;
