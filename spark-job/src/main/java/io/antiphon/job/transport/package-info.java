/** How ranks in different executors reach each other: rendezvous, connections, frames. */
@NullMarked
package io.antiphon.job.transport;

import org.jspecify.annotations.NullMarked;
