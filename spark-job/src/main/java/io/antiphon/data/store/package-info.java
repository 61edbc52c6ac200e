/** Packed token sequences in files: written once, then read by every rank in its own order. */
@NullMarked
package io.antiphon.data.store;

import org.jspecify.annotations.NullMarked;
