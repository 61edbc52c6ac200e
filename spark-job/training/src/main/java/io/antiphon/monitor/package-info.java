/** What a user sees of a run: progress, metrics file, summary and report. */
@NullMarked
package io.antiphon.monitor;

import org.jspecify.annotations.NullMarked;
