/**
 * What all parts of the data pipeline share: what is asked for, how it fails, hashes and
 * permutations.
 */
@NullMarked
package io.antiphon.data;

import org.jspecify.annotations.NullMarked;
