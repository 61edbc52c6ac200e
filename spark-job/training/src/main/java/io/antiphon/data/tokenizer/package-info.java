/** Texts to token ids and back. */
@NullMarked
package io.antiphon.data.tokenizer;

import org.jspecify.annotations.NullMarked;
