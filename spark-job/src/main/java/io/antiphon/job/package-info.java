/** The Spark job: driver, barrier task, failure policy. */
@NullMarked
package io.antiphon.job;

import org.jspecify.annotations.NullMarked;
