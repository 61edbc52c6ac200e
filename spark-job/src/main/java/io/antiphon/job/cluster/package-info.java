/** A Spark cluster of this machine for one run, and its GPUs. */
@NullMarked
package io.antiphon.job.cluster;

import org.jspecify.annotations.NullMarked;
