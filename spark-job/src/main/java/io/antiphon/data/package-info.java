/** Text to packed token sequences on Spark, and the resumable stream that each rank reads. */
@NullMarked
package io.antiphon.data;

import org.jspecify.annotations.NullMarked;
