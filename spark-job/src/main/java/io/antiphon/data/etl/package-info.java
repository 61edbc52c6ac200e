/** Texts to a packed token store, on Spark. */
@NullMarked
package io.antiphon.data.etl;

import org.jspecify.annotations.NullMarked;
