/** Run directories and checkpoints on any file system that Spark reaches. */
@NullMarked
package io.antiphon.job.storage;

import org.jspecify.annotations.NullMarked;
